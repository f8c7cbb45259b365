"""Effects block by block, in Python and in LiteRT."""

import tempfile
import warnings

import keras
import numpy as np
from backends import compiled, to_numpy


def in_blocks(processor, signal, sizes, **constants):
    """A signal streamed in blocks of the given sizes, which add up to its length."""
    state, blocks, start = processor.initial_state(len(signal)), [], 0
    constants = {name: np.asarray(value, np.float32) for name, value in constants.items()}

    def stream(state, block):
        return processor.stream(state, **processor.get_controls(block, **constants))

    stream = compiled(stream)
    for size in sizes:
        block, state = stream(state, signal[:, start : start + size])
        blocks.append(to_numpy(block))
        start += size
    assert start == signal.shape[1]
    return np.concatenate(blocks, axis=1)


def hops_in_litert(processor, inputs, hop, samples):
    """A processor of one row streamed in LiteRT, one frame a call, with builtin operators only.

    `inputs` maps control names to arrays of one row, [1, frames * step, ...].
    """
    import tensorflow as tf

    frames = samples // hop
    steps = {name: value.shape[1] // frames for name, value in inputs.items()}
    state = {f"state_{name}": to_numpy(x) for name, x in processor.initial_state(1).items()}

    def one_frame(*arguments):
        given = dict(zip([*inputs, *state], arguments, strict=True))
        before = {name.removeprefix("state_"): given.pop(name) for name in state}
        audio, after = processor.stream(before, **processor.get_controls(**given))
        return {"audio": audio, **{f"new_state_{name}": value for name, value in after.items()}}

    shapes = {name: (1, steps[name], *value.shape[2:]) for name, value in inputs.items()}
    shapes |= {name: value.shape for name, value in state.items()}
    archive = keras.export.ExportArchive()
    processor.build(None)
    archive.track(processor)
    specs = [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()]
    archive.add_endpoint("frame", one_frame, specs)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["frame"])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        interpreter = tf.lite.Interpreter(model_content=converter.convert())
    run, blocks = interpreter.get_signature_runner(), []
    for k in range(frames):
        block = {n: v[:, k * steps[n] : (k + 1) * steps[n]] for n, v in inputs.items()}
        played = run(**block, **state)
        state = {name: played[f"new_{name}"] for name in state}
        blocks.append(played["audio"])
    return np.concatenate(blocks, axis=1)
