"""Export for LiteRT (TensorFlow Lite) with builtin operators only."""

import gc
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from ddsp_tf.errors import UserError
from ddsp_tf.export.compression import compressed, matrices_of
from ddsp_tf.export.litert_operators import check_builtin
from ddsp_tf.export.model_functions import ModelFunctions, write_endpoints
from ddsp_tf.export.offline import block_frames, synthesize_in_blocks
from ddsp_tf.models import Autoencoder

PRECISIONS = ("float32", "float16", "int8")
_FILES = {"synthesize": "offline", "step": "stream"}
# How the converter names the origin of an operator: "IRFFT:", "model/layer/irfft@function".
_PLACE = re.compile(r'"(\w+):", "([^"@]+)@[^\n]*op is neither')


def write_litert(
    model: Autoencoder, folder: Path, precisions: Sequence[str] = PRECISIONS
) -> list[str]:
    """Writes the `.tflite` files that play curves.

    - `offline.tflite`, signature "synthesize": the model's curves, [1, frames] each, and "noise",
      [1, frames * hop] in [-1, 1] -> "audio", [1, frames * hop]. The number of frames is free:
      resize the inputs before allocating.
    - `stream.tflite`, signature "step": the curves of one frame, [1, 1] each, "noise" [1, hop] and
      the state, state_... [1, size] -> "audio" [1, hop] and the new state_....

    A timbre "z" is [1, frames, z_dims], and "instrument" [1, frames, instruments]. Other precisions
    are separate files, such as `stream_int8.tflite`: see `compressed`. Inputs and outputs are
    always float32.

    Args:
        model: Model to write, built.
        folder: Existing folder to write to.
        precisions: Precisions to write, some of `PRECISIONS`.

    Returns:
        Names of the files.

    Raises:
        UserError: If the model needs an operator that LiteRT does not have.
    """
    files = []
    matrices = matrices_of(model.decoder)
    for signature, endpoint in _endpoints(model).items():
        stem = _FILES[signature]
        # Inside the folder, where it is removed even after a kill.
        with tempfile.TemporaryDirectory(dir=folder) as saved:
            write_endpoints({signature: endpoint}, saved)
            content = convert(saved, signature, f"{stem}.tflite")
        for precision in precisions:
            plain = precision == "float32"
            files.append(f"{stem}.tflite" if plain else f"{stem}_{precision}.tflite")
            smaller = content if plain else compressed(content, matrices, precision)
            (folder / files[-1]).write_bytes(smaller)
    return files


def convert(saved: str | Path, signature: str, file: str) -> bytes:
    """Converts one signature of a SavedModel.

    Args:
        saved: Folder of the SavedModel.
        signature: Name of the signature.
        file: Name of the resulting file, for messages.

    Returns:
        Content of a `.tflite` file.

    Raises:
        UserError: If builtin operators are not enough. The message names the operator and the
            layer.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=[signature])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    # Without statistics, for which the converter would read and write the model again.
    converter.exclude_conversion_metadata = True
    # The converter collects garbage, which would pass over all objects of the process.
    gc.freeze()
    try:
        content = converter.convert()
    except Exception as error:  # The converter raises its own errors and RuntimeError.
        raise UserError(f"{file}: {_reason(error)}") from error
    finally:
        gc.unfreeze()
    check_builtin(content, file)
    return content


def _reason(error: Exception) -> str:
    """Extracts the operator and the layer from the converter's message."""
    text = str(error)
    place = _PLACE.search(text)
    if place:
        operator, layer = place.groups()
        return f"operator {operator} in {layer!r} is not builtin to LiteRT; expected builtin ones"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"not convertible to LiteRT ({(lines or [type(error).__name__])[0]})"


def _endpoints(model: Autoencoder) -> dict:
    functions, in_blocks = ModelFunctions(model, 1), ModelFunctions(model, block_frames(model.hop))
    names, states = functions.curve_names, list(functions.state_sizes)

    def synthesize(*arguments):
        curves = dict(zip(names, arguments[:-1], strict=True))
        return {"audio": synthesize_in_blocks(in_blocks, curves, arguments[-1])}

    def step(*arguments):
        curves = dict(zip(names, arguments, strict=False))
        state = dict(zip(states, arguments[len(names) + 1 :], strict=True))
        audio, state = functions.step(curves, arguments[len(names)], state)
        return {"audio": audio, **state}

    return {
        "synthesize": (
            synthesize,
            [*functions.curve_specs(1, None), functions.noise_spec(1, None)],
        ),
        "step": (
            step,
            [*functions.curve_specs(1, 1), functions.noise_spec(1, 1), *functions.state_specs(1)],
        ),
    }
