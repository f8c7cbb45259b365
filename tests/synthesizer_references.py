"""Synthesizers in float64 numpy, from raw inputs to audio, and gradients by their differences."""

import numpy as np
from backends import gradient
from keras import ops
from references import hann_samples_of, samples_of, zero_phase_response

RATES = {"sample_rate": 16000, "frame_rate": 250}
HOP = 64


def exp_sigmoid(x):
    return 2.0 * (1.0 + np.exp(-np.float64(x))) ** -np.log(10.0) + 1e-7


def to_samples(frames, hop=HOP, interpolation="hann"):
    """[batch, frames, channels] to [batch, samples, channels]."""
    of_channel = {"hann": hann_samples_of, "linear": samples_of}[interpolation]
    channels = [of_channel(frames[:, :, k], hop) for k in range(frames.shape[-1])]
    return np.stack(channels, axis=-1)


def phases(frequencies, hop=HOP, sample_rate=16000):
    """Cycles at every sample of frequencies [batch, frames, channels] that glide linearly."""
    return np.cumsum(to_samples(frequencies, hop, "linear"), axis=1) / sample_rate


def partials(amplitudes, frequencies, hop=HOP, sample_rate=16000, interpolation="hann"):
    """Sum of sines of [batch, frames, partials], silent frames where they cannot be heard."""
    audible = (frequencies > 0.0) & (frequencies < sample_rate / 2)
    envelopes = to_samples(np.where(audible, amplitudes, 0.0), hop, interpolation)
    sines = np.sin(2.0 * np.pi * phases(frequencies, hop, sample_rate))
    return np.sum(envelopes * sines, axis=-1)


def shifted_frequencies(f0_hz, shifts):
    multiples = np.arange(1, shifts.shape[-1] + 1)
    return np.float64(f0_hz) * multiples * (1.0 + np.float64(shifts))


def harmonic(amplitudes, harmonic_distribution, f0_hz, shifts=None, max_shift=0.1):
    """`Harmonic` of raw inputs."""
    shares = exp_sigmoid(harmonic_distribution)
    shifts = np.zeros_like(shares) if shifts is None else max_shift * np.tanh(shifts)
    frequencies = shifted_frequencies(f0_hz, shifts)
    shares = np.where((frequencies > 0) & (frequencies < 8000.0), shares, 0.0)
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return partials(exp_sigmoid(amplitudes) * shares, frequencies)


def sinusoidal(amplitudes, frequencies, min_hz=20.0, max_hz=8000.0):
    """`Sinusoidal` of raw inputs, scale "sigmoid"."""
    unit = 1.0 / (1.0 + np.exp(-np.float64(frequencies)))
    return partials(exp_sigmoid(amplitudes), min_hz * (max_hz / min_hz) ** unit)


def wavetable(amplitudes, f0_hz, tables):
    """`Wavetable` of raw amplitudes."""
    n_points = tables.shape[-1]
    spectra = np.fft.rfft(np.float64(tables) + 0.0 * f0_hz)
    order = np.arange(spectra.shape[-1])
    heard = np.where((f0_hz > 0.0) & (f0_hz * order < 8000.0), spectra, 0.0)
    frames = exp_sigmoid(amplitudes) * np.fft.irfft(heard, n_points)
    cycles = phases(f0_hz)[:, :, 0] % 1.0
    at_samples = to_samples(frames)
    return np.stack(
        [
            [
                np.interp(n_points * cycle, np.arange(n_points + 1), [*table, table[0]])
                for cycle, table in zip(*row, strict=True)
            ]
            for row in zip(cycles, at_samples, strict=True)
        ]
    )


def filtered_noise(noise_magnitudes, noise):
    """`FilteredNoise(initial_bias=0)` of raw magnitudes."""
    responses = zero_phase_response(exp_sigmoid(noise_magnitudes))
    batch, n_frames, taps = responses.shape
    result = np.zeros((batch, n_frames * HOP + taps - 1))
    for row, k in np.ndindex(batch, n_frames):
        frame = np.float64(noise[row, k * HOP : (k + 1) * HOP])
        result[row, k * HOP : (k + 1) * HOP + taps - 1] += np.convolve(frame, responses[row, k])
    return result[:, taps // 2 : taps // 2 + n_frames * HOP]


def mix(*inputs):
    """`Mix` of signals and raw levels, at constant power."""
    *signals, levels = inputs
    raw = np.concatenate([np.float64(levels), np.zeros_like(levels[:, :, :1])], axis=-1)
    shares = np.exp(raw) / np.exp(raw).sum(axis=-1, keepdims=True)
    return np.sum(np.stack(signals, axis=-1) * to_samples(shares**0.5, HOP, "linear"), axis=-1)


def check_gradients(function, reference, inputs, tolerance=1e-3, step=1e-6):
    """Compares slopes along random directions, one input at a time.

    The float64 reference says by how much a random sum of the samples changes; `tolerance` is
    relative to the length of the gradient.
    """
    generator = np.random.default_rng(3)
    exact = [np.float64(value) for value in inputs]
    listener = generator.normal(size=reference(*exact).shape)
    ours = gradient(lambda *x: ops.sum(function(*x) * np.float32(listener)), *inputs)
    for place, slope in enumerate(ours):
        for _ in range(3):
            direction = generator.normal(size=slope.shape)

            def moved(by, place=place, direction=direction):
                values = [v + by * direction if k == place else v for k, v in enumerate(exact)]
                return np.sum(reference(*values) * listener)

            expected = (moved(step) - moved(-step)) / (2.0 * step)
            found = np.sum(slope.astype(np.float64) * direction)
            limit = tolerance * np.linalg.norm(slope)
            assert limit > 0.0 and abs(found - expected) < limit, (place, found, expected)
