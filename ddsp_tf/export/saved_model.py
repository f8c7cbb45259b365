"""Writes a model as a TensorFlow SavedModel."""

from pathlib import Path

import keras
import tensorflow as tf

from ddsp_tf.models import Autoencoder

STATE_PREFIX = "state_"


def state_shapes(model: Autoencoder) -> dict[str, list[int]]:
    """Returns the shape of each part of the streaming state, the batch left out.

    Args:
        model: The model.

    Returns:
        Dictionary from the name used in the exported signature ("state_decoder", ...) to shape.

    Example:
        >>> from ddsp_tf.configuration import load_experiment
        >>> state_shapes(load_experiment("demo").model)["state_decoder"]
        [96]
    """
    state = model.initial_state(1)
    return {_exported_name(name): list(value.shape[1:]) for name, value in state.items()}


def _exported_name(name: str) -> str:
    return STATE_PREFIX + name.replace("/", "_")


def write_saved_model(model: Autoencoder, folder: Path):
    """Writes a SavedModel that takes features in physical units, any batch, any length.

    Signatures, with `curves` standing for the model's features, each [batch, frames]:

    - `synthesize(curves, noise_seed)` -> "audio" [batch, frames * hop]; noise_seed is an int32
      scalar. It is the default signature.
    - `synthesize_with_noise(curves, noise)` -> "audio"; noise is [batch, frames * hop] in [-1, 1].
    - `stream(curves, noise, state_...)` -> "audio" and the new state_...; all states start as
      zeros. The audio lags by the latency that model.json states.

    Args:
        model: The model, built.
        folder: Where to write; made.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    names = model.feature_names
    curves = [tf.TensorSpec([None, None], tf.float32, name) for name in names]
    noise_spec = tf.TensorSpec([None, None], tf.float32, "noise")
    state_names = list(model.initial_state(1))
    states = [
        tf.TensorSpec([None, *shape], tf.float32, name)
        for name, shape in state_shapes(model).items()
    ]

    def synthesize(*arguments):
        *values, noise_seed = arguments
        shape = tf.shape(values[0]) * [1, model.hop]
        seed = tf.stack([noise_seed, 0])
        noise = tf.random.stateless_uniform(shape, seed, minval=-1.0, maxval=1.0)
        return {"audio": _play(model, values, noise)}

    def synthesize_with_noise(*arguments):
        *values, noise = arguments
        return {"audio": _play(model, values, noise)}

    def stream(*arguments):
        values, noise = arguments[: len(names)], arguments[len(names)]
        state = dict(zip(state_names, arguments[len(names) + 1 :], strict=True))
        features = dict(zip(names, values, strict=True), noise=noise)
        audio, state = model.stream(features, state)
        return {"audio": audio, **{_exported_name(key): value for key, value in state.items()}}

    seed_spec = tf.TensorSpec([], tf.int32, "noise_seed")
    archive.add_endpoint("synthesize", synthesize, [*curves, seed_spec])
    archive.add_endpoint("synthesize_with_noise", synthesize_with_noise, [*curves, noise_spec])
    archive.add_endpoint("stream", stream, [*curves, noise_spec, *states])
    archive.write_out(str(folder), verbose=False)


def _play(model, values, noise):
    features = dict(zip(model.feature_names, values, strict=True), noise=noise)
    return model(features)
