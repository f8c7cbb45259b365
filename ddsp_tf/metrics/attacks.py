"""Timing and shape of the attacks of tones."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

# Hann window of the envelope, and the time between two of its values.
_WINDOW_SECONDS = 0.02
_STEP_SECONDS = 0.002
# An onset is a rise by this much within this time.
_RISE_DB = 10.0
_RISE_SECONDS = 0.05
# Sound that is this much softer than the loudest moment is not a tone.
_RANGE_DB = 40.0
# Time compared before and after an onset.
_BEFORE_SECONDS = 0.05
_AFTER_SECONDS = 0.2


def attack_error_ms(target: ArrayLike, audio: ArrayLike, sample_rate: int) -> float:
    """Computes the mean time by which attacks come too early or too late.

    Onsets are where the target rises by 10 dB within 50 ms. Around each, the highest amplitude so
    far, as a share of its final value, grows from 0 to 1 in the target and in the rendering. The
    area between the two curves is the mean over all amplitudes of the time by which the rendering
    reaches one too early or too late: the Wasserstein distance of the two rises.

    Args:
        target: Audio of the target, [samples].
        audio: Audio of the rendering, [samples].
        sample_rate: Samples per second.

    Returns:
        Distance in milliseconds; 0 if equal, NaN if the target has no onset.

    Raises:
        ValueError: If the signals are not [samples] of one length.

    Example:
        >>> time = np.arange(16000) / 16000
        >>> tone = np.sin(2 * np.pi * 440 * time)
        >>> sharp, slow = (np.clip((time - 0.5) / rise, 0, 1) * tone for rise in (0.01, 0.09))
        >>> round(attack_error_ms(sharp, slow, 16000))
        41
    """
    target, audio = np.asarray(target, np.float64), np.asarray(audio, np.float64)
    if target.ndim != 1 or target.shape != audio.shape:
        raise ValueError(
            f"target {target.shape}, audio {audio.shape}; expected [samples] of one length"
        )
    envelope, rendered = _envelope(target, sample_rate), _envelope(audio, sample_rate)
    errors = []
    for onset in _onsets(envelope):
        place = slice(max(onset - _steps(_BEFORE_SECONDS), 0), onset + _steps(_AFTER_SECONDS))
        difference = np.abs(_rise(rendered[place]) - _rise(envelope[place]))
        errors.append(1000.0 * _STEP_SECONDS * difference.sum())
    return float(np.mean(errors)) if errors else float("nan")


def _steps(seconds: float) -> int:
    return round(seconds / _STEP_SECONDS)


def _envelope(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Returns the root mean square in a Hann window, one value every 2 ms."""
    window = np.hanning(2 * round(_WINDOW_SECONDS * sample_rate / 2) + 1)
    padded = np.pad(np.square(audio), len(window) // 2)
    places = np.arange(0.0, len(audio), _STEP_SECONDS * sample_rate).astype(int)
    around = sliding_window_view(padded, len(window))[places]
    return np.sqrt(around @ (window / window.sum()))


def _onsets(envelope: np.ndarray) -> list[int]:
    """Returns the middle of the steepest part of every sudden rise, in steps."""
    span = _steps(_RISE_SECONDS)
    if len(envelope) <= span or not envelope.any():
        return []
    floor = 10.0 ** (-_RANGE_DB / 20.0) * envelope.max()
    level_db = 20.0 * np.log10(np.maximum(envelope, floor))
    rise_db = level_db[span:] - level_db[:-span]
    sudden = np.concatenate([[False], rise_db >= _RISE_DB, [False]])
    bounds = np.flatnonzero(sudden[1:] != sudden[:-1]).reshape(-1, 2)
    return [int(start + np.argmax(rise_db[start:end])) + span // 2 for start, end in bounds]


def _rise(envelope: np.ndarray) -> np.ndarray:
    """Returns the highest value so far as a share of the whole rise, from 0 to 1."""
    highest = np.maximum.accumulate(envelope)
    return (highest - highest[0]) / max(highest[-1] - highest[0], 1e-12)
