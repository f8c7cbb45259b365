"""What every processor and the loss make of fixed inputs, for comparing the backends.

    python tests/every_output.py out.npz

writes the arrays by name, as the backend of KERAS_BACKEND makes them.
"""

import sys

import numpy as np

from ddsp_tf import processors
from ddsp_tf.losses import MultiScaleSpectralLoss

FRAMES, HOP = 100, 64
SAMPLES = FRAMES * HOP


def every_output() -> dict[str, np.ndarray]:
    """Calls each processor once, two clips of 0.4 s at 16 kHz; returns arrays by name."""
    rng = np.random.default_rng(7)

    def raw(*shape):
        return rng.normal(0.0, 1.0, shape).astype(np.float32)

    def noise(*shape):
        return rng.uniform(-1.0, 1.0, shape).astype(np.float32)

    glide = np.geomspace((90.0, 3000.0), (880.0, 310.0), FRAMES).T[:, :, None].astype(np.float32)
    one, three = raw(2, FRAMES, 1), raw(2, FRAMES, 3)
    signal, other = 0.3 * raw(2, SAMPLES), 0.3 * raw(2, SAMPLES)
    harmonics, tables, bands = raw(2, FRAMES, 20), raw(2, FRAMES, 64), raw(2, FRAMES, 33)
    # In white noise, a delay that differs by its last bit is 6e-5 away already.
    tone = 0.3 * np.sin(2.0 * np.pi * 0.05 * np.arange(SAMPLES, dtype=np.float32))[None]
    chosen = {
        "harmonic": (processors.Harmonic(20), (one, harmonics, glide)),
        "harmonic, filtered": (
            processors.Harmonic(20, response_points=33),
            (one, harmonics, glide),
        ),
        "inharmonic": (
            processors.Harmonic(20, inharmonic=True),
            (one, harmonics, glide, raw(2, FRAMES, 20)),
        ),
        "sinusoidal": (processors.Sinusoidal(n_sinusoids=3), (three, raw(2, FRAMES, 3))),
        "wavetable": (
            processors.Wavetable(n_points=64, learned=False),
            (one, glide, tables),
        ),
        "filtered noise": (processors.FilteredNoise(33), (bands, noise(2, SAMPLES))),
        "reverb": (
            processors.Reverb(length=1000, learned=False),
            (signal, 0.05 * raw(2, 1000)),
        ),
        "decaying reverb": (
            processors.ExpDecayReverb(length=1000, learned=False),
            (signal, raw(2, 1), raw(2, 1), noise(2, 1000)),
        ),
        "filtered-noise reverb": (
            processors.FilteredNoiseReverb(1000, n_frames=10, n_bands=9, learned=False),
            (signal, raw(2, 10, 9), noise(2, 1000)),
        ),
        "fir filter": (processors.FirFilter(33), (signal, bands)),
        "mod delay": (processors.ModDelay(), (np.tile(tone, (2, 1)), one, raw(2, FRAMES, 1))),
        "add": (processors.Add(), (signal, other)),
        "mix": (processors.Mix(), (signal, other, one)),
        "crop": (processors.Crop(100), (signal,)),
        "loss": (
            MultiScaleSpectralLoss(
                delta_time_weight=1.0,
                delta_frequency_weight=1.0,
                cumulative_frequency_weight=1.0,
                loudness_weight=1.0,
                reduction=None,
            ),
            (signal, other),
        ),
    }
    return {name: np.asarray(layer(*inputs)) for name, (layer, inputs) in chosen.items()}


if __name__ == "__main__":
    np.savez(sys.argv[1], **every_output())
