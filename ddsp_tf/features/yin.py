"""Pitch from periodicity: YIN's normalized difference, smoothed over time.

It consists of Fourier transforms, products with constant matrices, maxima and sums of tensors of
any length, so it works inside exported graphs as well as on recordings.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from keras import ops

from ddsp_tf.dsp.framing import centred_frames
from ddsp_tf.typing import Tensor

_STEP_CENTS = 12.0
_SPLIT_HZ = 110.0
_SHORT_SECONDS = 0.032
_LONG_PERIODS = 3.4
_HIGHEST_BIN_HZ = 5000.0
_TILT_HZ = 2000.0
_FLOOR_POWER = 1e-7
_OCTAVE_COST = 0.06
_JUMP_COST = 0.3
_GLIDE_BINS = 3
_SMOOTHING_STEP_SECONDS = 0.008
_SMOOTHING_STEPS = 6


class _Window(NamedTuple):
    """One analysis window, and the matrix from its power spectrum to the correlation at lags."""

    window: np.ndarray
    fft_size: int
    power_weights: np.ndarray
    correlation: np.ndarray
    first_lag: int


class _Plan(NamedTuple):
    """Constants for one sample rate and range."""

    windows: tuple[_Window, ...]
    lags: np.ndarray
    candidates_hz: np.ndarray


def yin_pitch(
    audio: Tensor,
    sample_rate: int,
    hop: int,
    lowest_hz: float = 30.0,
    highest_hz: float = 2100.0,
) -> tuple[Tensor, ...]:
    """Tracks pitch by the lag after which the sound repeats.

    The autocorrelation of every frame is computed at lags 12 cents apart, with a window of 32 ms
    for pitches above 110 Hz and of 3.4 of the longest periods below. As in YIN, one minus the
    correlation is divided by its mean over all shorter lags. The lag on the best path through the
    surrounding 0.1 s is chosen; longer lags and jumps have a cost. The method is that of de
    Cheveigne and Kawahara, "YIN, a fundamental frequency estimator for speech and music" (2002);
    the window's own correlation is divided out as in Boersma, "Accurate short-term analysis of the
    fundamental frequency" (1993).

    Args:
        audio: Audio [batch, samples] in -1..1; batch and samples may be unknown in a graph.
        sample_rate: Sample rate in Hz.
        hop: Samples between two frames.
        lowest_hz: Lowest pitch in Hz.
        highest_hz: Highest pitch in Hz; at most a quarter of the sample rate counts.

    Returns:
        Tuple of f0_hz and confidence, float32 [batch, samples // hop] each. Frame k is centred on
        sample k * hop. Confidence is the share of the sound's power that repeats, 0..1; every
        frame has a pitch, however low its confidence.

    Raises:
        ValueError: If the range is empty at this sample rate, or the hop is not positive.

    Example:
        >>> sine = 0.5 * np.sin(2 * np.pi * 440 / 16000 * np.arange(8000, dtype=np.float32))
        >>> f0_hz, confidence = yin_pitch(sine[None], sample_rate=16000, hop=64)
        >>> tuple(f0_hz.shape), round(float(f0_hz[0, 60])), round(float(confidence[0, 60]), 2)
        ((1, 125), 440, 1.0)
    """
    highest_hz = min(highest_hz, sample_rate / 4)
    if not (0 < lowest_hz < highest_hz and hop > 0):
        raise ValueError(
            f"found the range {lowest_hz} to {highest_hz} Hz and hop {hop}; expected a range above "
            f"0 and below a quarter of sample_rate={sample_rate}, and a positive hop"
        )
    plan = _plan(sample_rate, lowest_hz, highest_hz)
    audio = ops.cast(ops.convert_to_tensor(audio), "float32")
    difference = _normalized_difference(audio, plan, hop)
    scores = -difference - _octave_costs(plan)
    chosen = _first_maximum(_smoothed(scores, _smoothing_step(sample_rate, hop)))
    position, lowest = _nearest_minimum(difference, chosen)
    octaves = position * (_STEP_CENTS / 1200)
    f0_hz = float(plan.candidates_hz[0]) * ops.exp(-math.log(2.0) * octaves)
    return f0_hz, ops.clip(1.0 - lowest, 0.0, 1.0)


def yin_reach(sample_rate: int, hop: int, lowest_hz: float = 30.0) -> int:
    """Returns the context of `yin_pitch`.

    Args:
        sample_rate: Sample rate in Hz.
        hop: Samples between two frames.
        lowest_hz: Lowest pitch in Hz.

    Returns:
        Samples on each side of a frame's centre that influence its pitch.

    Example:
        >>> yin_reach(16000, hop=64)
        1675
    """
    step = hop * _smoothing_step(sample_rate, hop)
    window = max(_SHORT_SECONDS, _LONG_PERIODS / lowest_hz) * sample_rate
    return math.ceil(window / 2) + _SMOOTHING_STEPS * step


def _smoothing_step(sample_rate: int, hop: int) -> int:
    return max(1, round(_SMOOTHING_STEP_SECONDS * sample_rate / hop))


@functools.lru_cache(maxsize=8)
def _plan(sample_rate: int, lowest_hz: float, highest_hz: float) -> _Plan:
    # Two candidates beyond each end, so that one at the end has neighbours.
    count = math.ceil(1200 * math.log2(highest_hz / lowest_hz) / _STEP_CENTS) + 5
    candidates_hz = highest_hz * 2.0 ** ((2 - np.arange(count)) * _STEP_CENTS / 1200)
    near_zero = np.linspace(0.0, 1.0 / candidates_hz[0], 9)[:-1]
    lags = np.concatenate([near_zero, 1.0 / candidates_hz])
    # The windows' correlations are crossfaded over half an octave.
    octaves = np.log2(np.maximum(lags, 1e-9) * _SPLIT_HZ)
    share = np.clip(0.5 - 2.0 * octaves, 0.0, 1.0)
    windows = [
        _window(sample_rate, seconds, lags, part)
        for seconds, part in ((_SHORT_SECONDS, share), (_LONG_PERIODS / lowest_hz, 1.0 - share))
        if part.any()
    ]
    return _Plan(tuple(windows), lags, candidates_hz)


def _window(sample_rate: int, seconds: float, lags: np.ndarray, share: np.ndarray) -> _Window:
    used = np.flatnonzero(share)
    size = round(seconds * sample_rate)
    fft_size = 2 ** math.ceil(math.log2(size + lags[used[-1]] * sample_rate))
    hz = np.fft.rfftfreq(fft_size, 1.0 / sample_rate)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
    cosines = np.cos(2 * np.pi * hz[:, None] * lags[used])
    # The correlation of windowed sound decays with the lag as the window's own does.
    own = np.square(np.abs(np.fft.rfft(window, fft_size)))
    own[1:] *= 2.0
    fading = own @ cosines / own.sum()
    bins = int(np.searchsorted(hz, _HIGHEST_BIN_HZ))
    weights = 1.0 / (1.0 + np.square(hz[:bins] / _TILT_HZ))
    weights *= 2.0 / (fft_size * np.sum(window**2))
    correlation = cosines[:bins] / fading * share[used]
    return _Window(window, fft_size, weights, correlation, int(used[0]))


def _normalized_difference(audio, plan: _Plan, hop: int):
    """YIN's difference over its mean up to each lag, at most 1: [batch, frames, candidates]."""
    correlation = 0.0
    for window in plan.windows:
        power = _power(audio, window, hop)
        loudness = ops.sum(power, axis=-1, keepdims=True)
        part = ops.matmul(power, ops.convert_to_tensor(window.correlation.astype(np.float32)))
        part = part / (loudness + _FLOOR_POWER)
        after = plan.lags.size - window.first_lag - part.shape[-1]
        correlation = correlation + ops.pad(part, [[0, 0], [0, 0], [window.first_lag, after]])
    difference = ops.maximum(1.0 - correlation, 0.0)
    widths = np.diff(plan.lags) / 2.0
    areas = (difference[:, :, 1:] + difference[:, :, :-1]) * widths.astype(np.float32)
    mean = ops.cumsum(areas, axis=-1) / plan.lags[1:].astype(np.float32)
    normalized = difference[:, :, 1:] / ops.maximum(mean, 1e-6)
    return ops.minimum(normalized[:, :, -plan.candidates_hz.size :], 1.0)


def _power(audio, window: _Window, hop: int):
    """Weighted power spectrum of the frames around the samples k * hop: [batch, frames, bins]."""
    taper = window.window.astype(np.float32)
    frames = centred_frames(audio, taper.size, hop)
    mean = ops.sum(frames * (taper / taper.sum()), axis=-1, keepdims=True)
    real, imaginary = ops.rfft((frames - mean) * taper, fft_length=window.fft_size)
    bins = window.power_weights.size
    real, imaginary = real[..., :bins], imaginary[..., :bins]
    return (real * real + imaginary * imaginary) * window.power_weights.astype(np.float32)


def _octave_costs(plan: _Plan) -> np.ndarray:
    octaves = np.arange(plan.candidates_hz.size) * _STEP_CENTS / 1200
    return (_OCTAVE_COST * octaves).astype(np.float32)


def _smoothed(scores, step: int):
    """Adds to each candidate the best paths that lead to it and away from it.

    A path goes from candidate to candidate in steps of `step` frames, over up to `_SMOOTHING_STEPS`
    steps; gliding is free and jumping has a cost.
    """
    n_frames = ops.shape(scores)[1]

    def best_before(paths):
        glides = ops.max_pool(paths, 2 * _GLIDE_BINS + 1, 1, "same", "channels_first")
        jumps = ops.max(paths, axis=-1, keepdims=True) - _JUMP_COST
        return ops.maximum(glides, jumps)

    earlier = later = scores
    for _ in range(_SMOOTHING_STEPS):
        before = ops.pad(best_before(earlier), [[0, 0], [step, 0], [0, 0]])[:, :n_frames]
        after = ops.pad(best_before(later), [[0, 0], [0, step], [0, 0]])[:, step:]
        earlier, later = scores + before, scores + after
    return earlier + later - scores


def _first_maximum(scores):
    # Keras's argmax uses bit operations that LiteRT lacks.
    size = scores.shape[-1]
    top = scores >= ops.max(scores, axis=-1, keepdims=True)
    return ops.min(ops.where(top, np.arange(size, dtype=np.int32), size - 1), axis=-1)


def _nearest_minimum(difference, chosen):
    """Position, between candidates, and depth of the minimum around each chosen candidate."""
    last = difference.shape[-1] - 2
    around = ops.clip(chosen[..., None] + np.arange(-2, 3, dtype=np.int32), 1, last)
    at = ops.take_along_axis(difference, around, axis=-1)
    best = ops.take_along_axis(around, _first_maximum(-at)[..., None], axis=-1)
    left, middle, right = (
        ops.take_along_axis(difference, best + offset, axis=-1)[..., 0] for offset in (-1, 0, 1)
    )
    curvature = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / ops.where(curvature > 1e-9, curvature, 1.0)
    shift = ops.where(curvature > 1e-9, ops.clip(shift, -0.5, 0.5), 0.0)
    depth = middle - 0.25 * (left - right) * shift
    return ops.cast(best[..., 0], "float32") + shift, depth
