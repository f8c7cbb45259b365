"""Models of a few thousand weights, and curves for them to play."""

import numpy as np

from ddsp_tf.models import Autoencoder, RnnDecoder
from ddsp_tf.processors import Add, FilteredNoise, Harmonic, ProcessorGroup, Reverb

HOP = 64


def make_group():
    """The chain of the shipped configurations: 4 harmonics, 9 noise bands, 300 taps of room."""
    return ProcessorGroup(
        [
            (Harmonic(n_harmonics=4), ["amplitudes", "harmonic_distribution", "f0_hz"]),
            (FilteredNoise(n_bands=9, initial_bias=0.0), ["noise_magnitudes"]),
            (Add(name="dry"), ["harmonic", "filtered_noise"]),
            (Reverb(length=300), ["dry"]),
        ]
    )


def make_decoder(**kwargs):
    """A decoder of that chain's inputs."""
    sizes = {"amplitudes": 1, "harmonic_distribution": 4, "noise_magnitudes": 9}
    return RnnDecoder(
        **{"output_sizes": sizes, "stack_channels": 8, "stack_layers": 1, "rnn_channels": 8}
        | kwargs
    )


def make_model():
    """A model with random weights and an audible room."""
    model = Autoencoder(make_decoder(), make_group())
    model.build()
    randomize(model)
    return model


def randomize(layer):
    """Gives all weights random values; the response of a reverb dies away."""
    generator = np.random.default_rng(7)
    for weight in layer.trainable_weights:
        values = generator.normal(0.0, 0.3, weight.shape)
        if weight.path.endswith("impulse_response"):
            values *= np.exp(-np.arange(weight.shape[0]) / 60.0)
        weight.assign(values.astype(np.float32))


def make_curves(batch, frames, seed=0):
    """Gliding pitch and swelling loudness with white noise: what a model takes."""
    generator = np.random.default_rng(seed)
    time = np.arange(frames) + generator.uniform(0.0, 100.0, (batch, 1))
    return {
        "f0_hz": np.float32(300.0 + 100.0 * np.sin(time / 7.0)),
        "loudness_db": np.float32(-40.0 + 20.0 * np.cos(time / 11.0)),
        "noise": generator.uniform(-1.0, 1.0, (batch, frames * HOP)).astype(np.float32),
    }


def make_group_inputs(batch, frames, seed=0):
    """Raw inputs of `make_group`."""
    generator = np.random.default_rng(seed)
    sizes = {"amplitudes": 1, "harmonic_distribution": 4, "noise_magnitudes": 9}
    inputs = {
        name: generator.normal(size=(batch, frames, size)).astype(np.float32)
        for name, size in sizes.items()
    }
    curves = make_curves(batch, frames, seed)
    return {**inputs, "f0_hz": curves["f0_hz"][:, :, None], "noise": curves["noise"]}
