"""Outputs and gradients of the core for fixed inputs, to compare the backends.

    python tests/every_output.py out.npz

writes arrays by name, computed by the backend of KERAS_BACKEND: of each case "case: output" and,
for a random projection of its output, "case: gradient of input 0", "case: gradient of weight 0" ...
"""

import sys

import keras
import numpy as np
from backends import to_numpy, value_and_gradients
from small_models import DECODERS, HOP, make_curves, make_decoder, make_model, randomize
from small_models import make_model_with_timbre as make_timbre_model

from ddsp_tf import models, processors
from ddsp_tf.features.graph_loudness import graph_loudness_db, graph_power_db
from ddsp_tf.losses import MultiScaleSpectralLoss

FRAMES = 100
SAMPLES = FRAMES * HOP


class Inputs:
    """Seeded arrays, two clips of 0.4 s at 16 kHz."""

    def __init__(self):
        self.rng = np.random.default_rng(7)
        glide = np.geomspace((90.0, 3000.0), (880.0, 310.0), FRAMES).T
        self.glide = glide[:, :, None].astype(np.float32)
        # In white noise, a delay that differs by its last bit is 6e-5 away already.
        tone = 0.3 * np.sin(2.0 * np.pi * 0.05 * np.arange(SAMPLES, dtype=np.float32))
        self.tone = np.tile(tone, (2, 1))

    def raw(self, *shape):
        """What a network may give."""
        return self.rng.normal(0.0, 1.0, shape).astype(np.float32)

    def noise(self, *shape):
        """White noise in -1..1."""
        return self.rng.uniform(-1.0, 1.0, shape).astype(np.float32)


def processor_cases(inputs: Inputs) -> dict:
    """Name -> (layer, its inputs, how many of them get a gradient)."""
    raw, noise, glide = inputs.raw, inputs.noise, inputs.glide
    one, three = raw(2, FRAMES, 1), raw(2, FRAMES, 3)
    signal, other = 0.3 * raw(2, SAMPLES), 0.3 * raw(2, SAMPLES)
    harmonics, tables, bands = raw(2, FRAMES, 20), raw(2, FRAMES, 64), raw(2, FRAMES, 33)
    return {
        "harmonic": (processors.Harmonic(20), (one, harmonics, glide), 3),
        "harmonic, filtered": (
            processors.Harmonic(20, response_points=33),
            (one, harmonics, glide),
            3,
        ),
        "inharmonic": (
            processors.Harmonic(20, inharmonic=True),
            (one, harmonics, glide, raw(2, FRAMES, 20)),
            4,
        ),
        "sinusoidal": (processors.Sinusoidal(n_sinusoids=3), (three, raw(2, FRAMES, 3)), 2),
        "wavetable": (
            processors.Wavetable(n_points=64, learned=False),
            (one, glide, tables),
            3,
        ),
        "learned wavetable": (processors.Wavetable(n_points=64), (one, glide), 2),
        "filtered noise": (processors.FilteredNoise(33), (bands, noise(2, SAMPLES)), 1),
        "reverb": (
            processors.Reverb(length=1000, learned=False),
            (signal, 0.05 * raw(2, 1000)),
            2,
        ),
        "learned reverb": (processors.Reverb(length=1000), (signal,), 1),
        "decaying reverb": (
            processors.ExpDecayReverb(length=1000, learned=False),
            (signal, raw(2, 1), raw(2, 1), noise(2, 1000)),
            3,
        ),
        "filtered-noise reverb": (
            processors.FilteredNoiseReverb(1000, n_frames=10, n_bands=9, learned=False),
            (signal, raw(2, 10, 9), noise(2, 1000)),
            2,
        ),
        "fir filter": (processors.FirFilter(33), (signal, bands), 2),
        "mod delay": (processors.ModDelay(), (inputs.tone, one, raw(2, FRAMES, 1)), 3),
        "add": (processors.Add(), (signal, other), 2),
        "mix": (processors.Mix(), (signal, other, one), 3),
        "crop": (processors.Crop(100), (signal,), 1),
        "loss": (
            MultiScaleSpectralLoss(
                delta_time_weight=1.0,
                delta_frequency_weight=1.0,
                cumulative_frequency_weight=1.0,
                loudness_weight=1.0,
                reduction=None,
            ),
            (signal, other),
            2,
        ),
        "loudness": (lambda audio: graph_loudness_db(audio, 16000, HOP), (signal,), 1),
        "power": (lambda audio: graph_power_db(audio, HOP), (signal,), 1),
    }


def network_cases(inputs: Inputs) -> dict:
    """The same of decoders, alone and as whole models with small chains of processors."""
    found = {}
    curves = make_curves(2, 40)
    for kind in DECODERS:
        decoder = make_decoder(kind, input_names=("f0_hz", "loudness_db"))
        decoder.build()
        randomize(decoder)
        found[f"decoder {kind}"] = (
            _Decoding(decoder),
            (inputs.raw(2, 40, 1), inputs.raw(2, 40, 1)),
            2,
        )
    names = ("f0_hz", "loudness_db", "noise")
    given = tuple(curves[name] for name in names)
    found["model"] = (_Playing(make_model(), names), given, 2)
    found["model of matched level"] = (_Playing(make_level_model(), names), given, 2)
    # In bands without sound, the encoder would hear the rounding of the Fourier transform.
    heard = (*given, inputs.noise(2, 40 * HOP))
    found["model with a timbre"] = (_Playing(make_timbre_model(), (*names, "audio")), heard, 2)
    return found


def make_level_model():
    """A model without a room whose level is matched."""
    group = processors.ProcessorGroup(
        [
            (processors.Harmonic(4), ["amplitudes", "harmonic_distribution", "f0_hz"]),
            (processors.FilteredNoise(9), ["noise_magnitudes"]),
            (processors.Add(name="dry"), ["harmonic", "filtered_noise"]),
        ]
    )
    model = models.Autoencoder(make_decoder(), group, level_matching=models.LevelMatching())
    model.build()
    randomize(model)
    return model


class _Decoding:
    """A decoder's outputs as one tensor."""

    def __init__(self, decoder):
        self.decoder, self.trainable_variables = decoder, decoder.trainable_variables

    def __call__(self, f0, loudness):
        from keras import ops

        outputs, _ = self.decoder({"f0_hz": f0, "loudness_db": loudness})
        return ops.concatenate([outputs[name] for name in sorted(outputs)], axis=-1)


class _Playing:
    """A model's audio."""

    def __init__(self, model, names):
        self.model, self.names = model, names
        self.trainable_variables = model.trainable_variables

    def __call__(self, *values):
        return self.model(dict(zip(self.names, values, strict=True)))


def every_output() -> dict[str, np.ndarray]:
    """Computes all cases; returns arrays by name."""
    inputs, found = Inputs(), {}
    for name, (function, given, learned) in {
        **processor_cases(inputs),
        **network_cases(inputs),
    }.items():
        if isinstance(function, keras.Layer) and not function.built:
            function(*(keras.KerasTensor(value.shape) for value in given))
        if isinstance(function, keras.Layer):
            # The backends draw initial weights that differ in their last bits.
            randomize(function)
        variables = getattr(function, "trainable_variables", [])
        output, of_inputs, of_weights = value_and_gradients(function, given, learned, variables)
        found[f"{name}: output"] = output
        for number, gradient in enumerate(of_inputs):
            found[f"{name}: gradient of input {number}"] = gradient
        for number, gradient in enumerate(of_weights):
            found[f"{name}: gradient of weight {number}"] = gradient
    return {name: to_numpy(value) for name, value in found.items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **every_output())
