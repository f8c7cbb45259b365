"""The synthesizers, each played without any network: physical controls in, audio out.

    python docs/examples/synthesizers.py synthesizers.png

draws the output of each for two seconds of controls.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from ddsp_tf.processors import FilteredNoise, Harmonic, Sinusoidal, Wavetable

RATES = {"sample_rate": 16000, "frame_rate": 250}
FRAMES = 500

# Controls are [batch, frames, channels]. `progress` runs from 0 to 1 over the two seconds.
progress = np.linspace(0.0, 1.0, FRAMES, dtype=np.float32)[None, :, None]
vibrato = 2.0 ** (np.sin(2.0 * np.pi * 11.0 * progress) / 24.0)
f0_hz = 220.0 * 2.0**progress * vibrato
amplitudes = np.full_like(progress, 0.5)


def harmonic():
    """One amplitude, and its distribution over the harmonics: here, ever brighter."""
    order = np.arange(1, 31, dtype=np.float32)
    distribution = order ** (-3.0 + 2.5 * progress)
    return Harmonic(n_harmonics=30, scale=False, **RATES).get_signal(
        amplitudes, distribution / distribution.sum(axis=-1, keepdims=True), f0_hz
    )


def inharmonic():
    """The same with shifts: a string that stiffens, f0 * k * sqrt(1 + B * k ** 2)."""
    order = np.arange(1, 31, dtype=np.float32)
    distribution = np.tile(1.0 / order / np.sum(1.0 / order), (1, FRAMES, 1))
    shifts = np.sqrt(1.0 + 3e-3 * progress * order**2) - 1.0
    steady = np.full_like(progress, 220.0)
    return Harmonic(n_harmonics=30, inharmonic=True, **RATES).get_signal(
        amplitudes, distribution, steady, shifts
    )


def sinusoidal():
    """Sines that move freely; those above 8 kHz, the Nyquist frequency, are silent."""
    frequencies = [
        1000.0 + 2000.0 * progress,
        3000.0 - 2000.0 * progress,
        3000.0 + 7000.0 * progress,
        5000.0 + 400.0 * np.sin(12.0 * np.pi * progress),
    ]
    frequencies = np.concatenate(frequencies, axis=-1)
    return Sinusoidal(n_sinusoids=4, scale=False, **RATES).get_signal(
        np.full_like(frequencies, 0.2), frequencies
    )


def wavetable():
    """A sine that becomes a sawtooth: tables are crossfaded, and never alias."""
    cycle = np.arange(2048, dtype=np.float32) / 2048
    tables = (1.0 - progress) * np.sin(2.0 * np.pi * cycle) + progress * (1.0 - 2.0 * cycle)
    synthesizer = Wavetable(n_points=2048, learned=False, scale=False, **RATES)
    return synthesizer.get_signal(amplitudes, f0_hz, tables)


def filtered_noise():
    """Noise through another filter in every frame: a band that moves upwards."""
    hz = np.linspace(0.0, 8000.0, 65, dtype=np.float32)
    gains = np.exp(-(((hz - 1000.0 - 5000.0 * progress) / 600.0) ** 2))
    return FilteredNoise(n_bands=65, scale=False, seed=0, **RATES).get_signal(gains)


def main(path):
    """Plays all of them and draws their spectrograms."""
    players = (harmonic, inharmonic, sinusoidal, wavetable, filtered_noise)
    figure, axes = plt.subplots(len(players), 1, figsize=(7, 11), sharex=True)
    for player, axis in zip(players, axes, strict=True):
        audio = np.asarray(player())[0]
        axis.specgram(audio + 1e-6, NFFT=1024, Fs=16000, noverlap=896, vmin=-120, cmap="magma")
        axis.set_title(player.__name__.replace("_", " "), loc="left")
        axis.set_ylabel("Hz")
    axes[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main(sys.argv[1])
