"""Models of a few thousand weights, and curves for them to play."""

import numpy as np

from ddsp_tf.models import (
    Autoencoder,
    DilatedConvDecoder,
    MfccRnnEncoder,
    MinGruDecoder,
    RnnDecoder,
)
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


OUTPUT_SIZES = {"amplitudes": 1, "harmonic_distribution": 4, "noise_magnitudes": 9}
_SMALL = {"output_sizes": OUTPUT_SIZES, "stack_channels": 8, "stack_layers": 1}
DECODERS = {
    "gru": (RnnDecoder, {"rnn_channels": 8}),
    "min_gru": (MinGruDecoder, {"rnn_channels": 8, "rnn_layers": 2}),
    "dilated_conv": (
        DilatedConvDecoder,
        {"conv_channels": 4, "conv_layers": 3, "dilations": (1, 3), "kernel_size": 2},
    ),
}


def make_decoder(kind="gru", **kwargs):
    """A decoder of that chain's inputs, one of `DECODERS`."""
    decoder, sizes = DECODERS[kind]
    return decoder(**{**_SMALL, **sizes, **kwargs})


def make_model(kind="gru"):
    """A model with random weights and an audible room."""
    model = Autoencoder(make_decoder(kind), make_group())
    model.build()
    randomize(model)
    return model


def make_model_with_timbre():
    """The same with a z of two channels and an encoder."""
    decoder = make_decoder(input_names=("f0_hz", "loudness_db", "z"), input_sizes={"z": 2})
    encoder = MfccRnnEncoder(z_dims=2, stride=3, n_mels=20, n_coefficients=6, rnn_channels=8)
    model = Autoencoder(decoder, make_group(), encoder=encoder)
    model.build()
    randomize(model)
    return model


NAMES = ("cello", "alto_sax", "tuba")


def make_ensemble(kind="min_gru", **kwargs):
    """A model of three instruments with random weights."""
    harmonic = Harmonic(n_harmonics=4, response_points=9, instruments=NAMES)
    nodes = [
        (harmonic, ["amplitudes", "harmonic_distribution", "f0_hz"]),
        (FilteredNoise(n_bands=9, initial_bias=0.0), ["noise_magnitudes"]),
        (Add(name="dry"), ["harmonic", "filtered_noise"]),
        (Reverb(length=300, instruments=NAMES), ["dry"]),
    ]
    decoder = make_decoder(kind, instruments=NAMES)
    model = Autoencoder(decoder, ProcessorGroup(nodes), **kwargs)
    model.build()
    randomize(model)
    return model


def randomize(layer):
    """Gives all weights random values; the response of a reverb dies away."""
    generator = np.random.default_rng(7)
    for weight in layer.trainable_weights:
        values = generator.normal(0.0, 0.3, weight.shape)
        if weight.path.endswith("impulse_response"):
            values *= np.exp(-np.arange(weight.shape[-1]) / 60.0)
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
    inputs = {
        name: generator.normal(size=(batch, frames, size)).astype(np.float32)
        for name, size in OUTPUT_SIZES.items()
    }
    curves = make_curves(batch, frames, seed)
    return {**inputs, "f0_hz": curves["f0_hz"][:, :, None], "noise": curves["noise"]}
