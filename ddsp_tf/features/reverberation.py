"""Detects whether recordings were made in an audible room."""

from collections.abc import Iterable

import numpy as np

_WINDOW_SECONDS = 0.02
_STEP_SECONDS = 0.005
# The fall of the level is measured over this time.
_FALL_SECONDS = 0.1
# The fall of a tone begins within this range of the loudest moment, and is at least this large.
_RANGE_DB = 30.0
_SMALLEST_FALL_DB = 12.0
# Fewer falls are not significant.
_FEWEST = 5
# Ten sets of dry recordings have falls of 50 dB or more; in rooms whose sound takes at least 0.2 s
# to fall by 60 dB, they have 38 dB or less.
DRY_FALL_DB = 42.0


def largest_fall_db(recordings: Iterable[np.ndarray], sample_rate: int) -> float | None:
    """Measures how far the level falls within a tenth of a second when a tone ends.

    In a room, no level falls faster than that of the reverberation after the direct sound has
    ended: with a reverberation time of T s, by 6 / T dB in that time, plus the level of the direct
    sound relative to the reverberation. Without a room, a short release ends at the noise of the
    recording.

    Args:
        recordings: Audio, [samples] each.
        sample_rate: Samples per second.

    Returns:
        Fall in dB that a tenth of all falls exceed; None if there are too few.

    Example:
        >>> time = np.arange(8000) / 16000
        >>> dying = np.sin(2 * np.pi * 440 * time) * 10 ** (-3 * time / 0.4)  # 60 dB in 0.4 s.
        >>> note = np.concatenate([np.zeros(1600), dying])
        >>> round(largest_fall_db([np.tile(note, 6)], 16000))
        15
    """
    falls = [fall for audio in recordings for fall in _falls_db(audio, sample_rate)]
    return float(np.percentile(falls, 90)) if len(falls) >= _FEWEST else None


def _falls_db(audio: np.ndarray, sample_rate: int) -> list[float]:
    """Returns the largest fall of each run of frames after which the level falls."""
    window = np.hanning(2 * round(_WINDOW_SECONDS * sample_rate / 2) + 1)
    power = np.convolve(np.square(audio, dtype=np.float64), window / window.sum(), "same")
    level_db = 10.0 * np.log10(power[:: round(_STEP_SECONDS * sample_rate)] + 1e-12)
    span = round(_FALL_SECONDS / _STEP_SECONDS)
    if len(level_db) <= span:
        return []
    before = level_db[:-span]
    fall_db = np.where(before > level_db.max() - _RANGE_DB, before - level_db[span:], 0.0)
    falling = np.concatenate([[False], fall_db > _SMALLEST_FALL_DB, [False]])
    bounds = np.flatnonzero(falling[1:] != falling[:-1]).reshape(-1, 2)
    return [float(fall_db[start:end].max()) for start, end in bounds]
