"""Export as a TensorFlow SavedModel."""

from collections.abc import Container
from pathlib import Path

import tensorflow as tf

from ddsp_tf.export.model_functions import (
    Endpoints,
    ModelFunctions,
    seeded_noise,
    write_endpoints,
)


def write_saved_model(
    functions: ModelFunctions, folder: Path, more: Endpoints | None = None
) -> list[str]:
    """Writes a SavedModel that takes features in physical units, of any batch and length.

    The signatures, where `curves` are the model's features, [batch, frames] each, and, if the model
    has them, "z" [batch, frames or 1, z_dims] and "instrument" [batch, frames or 1, instruments]:

    - `synthesize(curves, noise_seed)` -> "audio" [batch, frames * hop]; noise_seed is an int32
      scalar. This is the default signature.
    - `synthesize_with_noise(curves, noise)` -> "audio"; noise is [batch, frames * hop] in [-1, 1].
    - `stems(curves, noise_seed)` -> audio by part, such as "harmonic", "noise", "dry", "wet".
    - `controls(curves)` -> the synthesizers' controls, [batch, frames, channels] each.
    - `step(curves, noise, state_...)` -> "audio" and the new state_... for any number of frames;
      all states are zero at the start. The audio is delayed by the latency that model.json states.

    Args:
        functions: Functions of the model.
        folder: Folder to write.
        more: Further signatures, as for `write_endpoints`.

    Returns:
        Names of the signatures.
    """
    hop, names = functions.model.hop, functions.curve_names
    states = list(functions.state_sizes)
    curves, noise = functions.curve_specs(None, None), functions.noise_spec(None, None)
    seed = tf.TensorSpec([], tf.int32, "noise_seed")

    def named(values):
        curves = dict(zip(names, values, strict=True))
        return _equally_long(curves, functions.model.vector_sizes)

    def draw(curves, noise_seed):
        return seeded_noise(tf.shape(curves["f0_hz"]) * [1, hop], noise_seed)

    def synthesize(*arguments):
        curves = named(arguments[:-1])
        return {"audio": functions.audio(curves, draw(curves, arguments[-1]))}

    def synthesize_with_noise(*arguments):
        curves = named(arguments[:-1])
        return {"audio": functions.audio(curves, _fitting(arguments[-1], curves, hop))}

    def stems(*arguments):
        curves = named(arguments[:-1])
        return functions.stems(curves, draw(curves, arguments[-1]))

    def controls(*arguments):
        return functions.controls(named(arguments))

    def step(*arguments):
        curves = named(arguments[: len(names)])
        noise = _fitting(arguments[len(names)], curves, hop)
        state = dict(zip(states, arguments[len(names) + 1 :], strict=True))
        audio, state = functions.step(curves, noise, state)
        return {"audio": audio, **state}

    endpoints = {
        "synthesize": (synthesize, [*curves, seed]),
        "synthesize_with_noise": (synthesize_with_noise, [*curves, noise]),
        "stems": (stems, [*curves, seed]),
        "controls": (controls, curves),
        "step": (step, [*curves, noise, *functions.state_specs(None)]),
        **(more or {}),
    }
    write_endpoints(endpoints, folder)
    return list(endpoints)


def _equally_long(curves: dict, vectors: Container[str]) -> dict:
    shape = tf.shape(curves["f0_hz"])
    checks = [tf.debugging.assert_positive(shape[1], "no frames; expected at least one")]
    checks += [
        tf.debugging.assert_equal(
            tf.shape(curve), shape, f"{name} and f0_hz differ in shape; expected [batch, frames]"
        )
        for name, curve in curves.items()
        if name not in vectors
    ]
    with tf.control_dependencies(checks):
        return {name: tf.identity(curve) for name, curve in curves.items()}


def _fitting(noise, curves: dict, hop: int):
    shape = tf.shape(curves["f0_hz"]) * [1, hop]
    message = f"noise has another shape than [batch, frames * {hop}]"
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(noise), shape, message)]):
        return tf.identity(noise)
