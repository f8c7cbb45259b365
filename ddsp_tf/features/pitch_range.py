"""Check that a recording's pitch lies in the range of its tracker."""

import numpy as np

from ddsp_tf.features.pitch import PitchTracker

_EXCERPTS = 16
_EXCERPT_SECONDS = 0.4
_FRAME_RATE = 100
_EDGE_FRAMES = 6
_CERTAIN = 0.9
_FEWEST_FRAMES = 20
_TOLERATED_SHARE = 0.05
_LOWEST_HZ = 30.0
_HIGHEST_HZ = 4200.0
_SEMITONE = 2.0 ** (1 / 12)


def range_advice(audio: np.ndarray, sample_rate: int, tracker: PitchTracker) -> str | None:
    """Returns advice if a recording has pitches outside a tracker's range.

    Outside its range a tracker finds nothing or, worse, is confident of another pitch. So YIN
    tracks 16 excerpts of 0.4 s spread over the recording, from 30 Hz to 4200 Hz (or a quarter of
    the sample rate). For SwiftF0, contrabassoon, tuba and piccolo are such cases.

    Args:
        audio: Mono audio [samples] in -1..1.
        sample_rate: Sample rate in Hz.
        tracker: Tracker to be used.

    Returns:
        One sentence, if at least 5 % of the clearly pitched frames lie outside `tracker.range_hz`
        by more than a semitone; else None.

    Example:
        >>> from ddsp_tf.features.swift_f0 import SwiftF0Tracker
        >>> audio = np.sin(2 * np.pi * 34 / 16000 * np.arange(16000)).astype(np.float32)
        >>> range_advice(audio, 16000, SwiftF0Tracker())[:52]
        '100 % of the pitched frames lie below 46.9 Hz (at 34'
        >>> range_advice(np.zeros(16000), 16000, SwiftF0Tracker())
    """
    found_hz = _plain_pitches(np.asarray(audio, np.float32), int(sample_rate))
    if found_hz.size < _FEWEST_FRAMES:
        return None
    lowest_hz, highest_hz = tracker.range_hz
    below = found_hz[found_hz < lowest_hz / _SEMITONE]
    above = found_hz[found_hz > highest_hz * _SEMITONE]
    outside, side, limit_hz = (
        (below, "below", lowest_hz) if below.size >= above.size else (above, "above", highest_hz)
    )
    if outside.size < _TOLERATED_SHARE * found_hz.size:
        return None
    percent = 100 * outside.size / found_hz.size
    return (
        f"{percent:.0f} % of the pitched frames lie {side} {limit_hz:.1f} Hz "
        f"(at {np.median(outside):.0f} Hz), out of range of the pitch tracker {tracker.name}; use "
        '''--set "FeatureExtractor.pitch_tracker='auto'"'''
    )


def _plain_pitches(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Pitch of the clearly pitched frames in the excerpts, in Hz."""
    from ddsp_tf.features.yin_tracker import compiled_yin

    hop = max(1, round(sample_rate / _FRAME_RATE))
    size = round(_EXCERPT_SECONDS * sample_rate)
    if sample_rate < 8 * _LOWEST_HZ or audio.size < hop:
        return np.zeros(0)
    starts = np.linspace(0, max(audio.size - size, 0), _EXCERPTS).astype(np.int64)
    padded = np.pad(audio, (0, max(size - audio.size, 0)))
    excerpts = padded[np.unique(starts)[:, None] + np.arange(size)]
    # One shape for all recordings, because each one is compiled.
    excerpts = np.pad(excerpts, ((0, _EXCERPTS - excerpts.shape[0]), (0, 0)))
    f0_hz, confidence = map(
        np.asarray, compiled_yin(sample_rate, hop, _LOWEST_HZ, _HIGHEST_HZ)(excerpts)
    )
    inside = slice(_EDGE_FRAMES, -_EDGE_FRAMES)
    return f0_hz[:, inside][confidence[:, inside] >= _CERTAIN]
