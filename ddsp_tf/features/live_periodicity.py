"""Periodicity of arriving sound: `periodicity` for live use, on tensors."""

import numpy as np
from keras import ops

from ddsp_tf.features.periodicity import (
    COMPRESSION,
    LAGS_NEAR_ZERO,
    NOISE_BAND_BINS,
    QUARTILE_OF_MEAN,
    Plan,
)
from ddsp_tf.typing import Tensor

_QUARTER = NOISE_BAND_BINS // 4 + 1


def live_periodicity(sound: Tensor, plan: Plan, late: list[int]) -> Tensor:
    """Measures for every pitch how much of the latest sound repeats after a period.

    The same measure as `periodicity`, of windows that end at or shortly before the end of the
    sound. The level of the sound makes no difference.

    Args:
        sound: Float32 [rows, samples]; at least as many samples as the longest window and the
            window of the noise.
        plan: Range of pitch.
        late: Samples between the end of each window of the plan and the end of the sound.

    Returns:
        Float32 [rows, pitches]: about 1 where the sound repeats exactly, about 0 where it does not.

    Example:
        >>> from ddsp_tf.features.periodicity import periodicity_plan
        >>> sine = np.sin(2 * np.pi * 200 / 16000 * np.arange(2048)).astype(np.float32)
        >>> plan = periodicity_plan(100.0, 400.0)
        >>> strength = np.asarray(live_periodicity(sine[None], plan, [0, 0, 0]))
        >>> round(float(plan.pitches_hz[strength[0].argmax()]))
        200
    """
    loudest = ops.max(ops.abs(sound), axis=1, keepdims=True)
    sound = sound / ops.maximum(loudest, 1e-9)
    noise = _noise(latest_spectrum(sound, plan.noise_taper, plan.noise_fft_size, 0), plan)
    correlation = 0.0
    for window, samples in zip(plan.windows, late, strict=True):
        power = latest_spectrum(sound, window.taper, window.fft_size, samples)
        power = power[:, : window.weights.size]
        gain = power / (power + ops.matmul(noise, window.noise) + 1e-12)
        power = ops.power(power * gain * gain * gain, COMPRESSION) * window.weights
        power = power / (ops.sum(power, axis=1, keepdims=True) + 1e-12)
        # The lags of a window are adjacent.
        first, last = int(window.lags[0]), int(window.lags[-1])
        part = ops.matmul(power, window.correlation)
        correlation += ops.pad(part, [[0, 0], [first, plan.lags.size - 1 - last]])
    return _normalized(correlation, plan.lags)


def latest_spectrum(sound: Tensor, taper: np.ndarray, fft_size: int, late: int) -> Tensor:
    """Computes the power spectrum of a window near the end of a sound, without its mean.

    Args:
        sound: Sound [rows, samples].
        taper: Window [samples].
        fft_size: Size of the Fourier transform.
        late: Samples between the end of the window and the end of the sound.

    Returns:
        [rows, fft_size / 2 + 1].

    Example:
        >>> sound = np.array([[5.0, 1.0, -1.0, 5.0]], np.float32)
        >>> np.asarray(latest_spectrum(sound, np.ones(2, np.float32), 2, late=1)).tolist()
        [[0.0, 4.0]]
    """
    stop = sound.shape[1] - late
    frame = sound[:, stop - taper.size : stop]
    frame = (frame - ops.mean(frame, axis=1, keepdims=True)) * taper
    real, imaginary = ops.rfft(frame, fft_length=fft_size)
    return real * real + imaginary * imaginary


def _noise(power, plan):
    """Returns the density of the noise in every band, from the lower quartile of its bins."""
    bands = plan.noise_fft_size // 2 // NOISE_BAND_BINS
    power = ops.reshape(power[:, :-1], (-1, bands, NOISE_BAND_BINS))
    lowest, _ = ops.top_k(-power, _QUARTER)
    return lowest[:, :, -1] * np.float32(-1.0 / (QUARTILE_OF_MEAN * np.sum(plan.noise_taper**2)))


def _normalized(correlation, lags):
    """Returns one minus YIN's normalized difference, at the lags of the pitches."""
    difference = 1.0 - correlation
    positive = ops.maximum(difference, 0.0)
    widths = (np.diff(lags) / 2.0 / lags[1:].max()).astype(np.float32)
    total = ops.cumsum((positive[:, 1:] + positive[:, :-1]) * widths, axis=1)
    mean = total * (lags[1:].max() / lags[1:]).astype(np.float32)
    normalized = difference[:, 1:] / ops.maximum(mean, 1e-6)
    return 1.0 - ops.minimum(normalized[:, LAGS_NEAR_ZERO - 1 :], 2.0)
