"""Detection of notes, and silence between them."""

import itertools

import numpy as np

from ddsp_tf.features.pitch import VOICED_CONFIDENCE

SILENT_DB = -80.0
_SHORTEST_SECONDS = 0.05
# The peak of a note, unlike that of hum, exceeds the faintest level of a note by this much.
_RISE_DB = 10.0
_RAMP_SECONDS = 0.02
# A larger step of pitch begins another note or hum.
_JUMP_OCTAVES = 1.0 / 12.0


def find_notes(
    f0_hz: np.ndarray,
    level_db: np.ndarray,
    frame_rate: float,
    f0_confidence: np.ndarray | None = None,
    below_loud_db: float = 45.0,
) -> np.ndarray:
    """Finds the frames that belong to notes.

    A note has a pitch (with confidence, if known) and a level above a threshold relative to the
    loud parts; its peak exceeds the threshold by 10 dB. Hum in a pause has a pitch, too, but stays
    faint, even directly after a note. Gaps and notes shorter than 50 ms are ignored.

    Args:
        f0_hz: Pitch in Hz [frames], 0 for no pitch.
        level_db: Loudness or power in dB [frames].
        frame_rate: Frames per second.
        f0_confidence: Confidence [frames], 0 to 1; None if unknown.
        below_loud_db: Threshold in dB below the 95th percentile of levels.

    Returns:
        bool [frames].

    Example:
        >>> level_db = np.repeat([-90.0, -20.0, -90.0], 20)
        >>> find_notes(np.full(60, 440.0), level_db, 100).nonzero()[0][[0, -1]].tolist()
        [20, 39]
    """
    faintest = max(np.percentile(level_db, 95) - below_loud_db, SILENT_DB)
    notes = (f0_hz > 0.0) & (level_db >= faintest) & (level_db > SILENT_DB)
    if f0_confidence is not None:
        notes &= f0_confidence >= VOICED_CONFIDENCE
    shortest = max(round(_SHORTEST_SECONDS * frame_rate), 1)
    notes = _without_short(notes, False, shortest)
    notes = _without_short(notes, True, shortest)
    least_peak = faintest + min(_RISE_DB, below_loud_db / 2.0)
    jumps = np.flatnonzero(np.abs(np.diff(np.log2(np.maximum(f0_hz, 1.0)))) > _JUMP_OCTAVES) + 1
    for first, end in spans(notes):
        inside = jumps[(jumps > first) & (jumps < end)].tolist()
        for start, stop in itertools.pairwise([first, *inside, end]):
            faint = level_db[start:stop].max() < least_peak
            if faint and (stop - start >= shortest or not inside):
                notes[start:stop] = False
    return notes


def silence_pauses(level_db: np.ndarray, notes: np.ndarray, frame_rate: float) -> np.ndarray:
    """Fades the level between notes to silence, within 20 ms of their ends.

    Args:
        level_db: Level in dB [frames].
        notes: Mask of the frames that belong to notes, bool [frames].
        frame_rate: Frames per second.

    Returns:
        float32 [frames].

    Example:
        >>> silence_pauses(np.full(4, -20.0), np.array([True, True, False, False]), 100).tolist()
        [-20.0, -20.0, -50.0, -80.0]
    """
    steps = max(round(_RAMP_SECONDS * frame_rate), 1)
    frames = np.arange(len(notes))
    inside = np.flatnonzero(notes)
    if len(inside) == 0:
        return np.full(len(notes), SILENT_DB, np.float32)
    after = np.clip(np.searchsorted(inside, frames), 0, len(inside) - 1)
    before = np.maximum(after - 1, 0)
    away = np.minimum(np.abs(inside[after] - frames), np.abs(inside[before] - frames))
    share = np.minimum(away / steps, 1.0)
    lower = np.minimum(level_db, (1.0 - share) * level_db + share * SILENT_DB)
    return np.where(notes, level_db, lower).astype(np.float32)


def spans(mask: np.ndarray) -> list[tuple[int, int]]:
    """Finds the spans of true frames.

    Args:
        mask: Mask, bool [frames].

    Returns:
        List of first frame and end (exclusive) of each.

    Example:
        >>> spans(np.array([False, True, True, False, True]))
        [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _without_short(mask: np.ndarray, value: bool, shortest: int) -> np.ndarray:
    """Inverts short spans of `value`; pauses at both ends stay."""
    mask = mask.copy()
    for first, end in spans(mask == value):
        at_end = not value and (first == 0 or end == len(mask))
        if end - first < shortest and not at_end:
            mask[first:end] = not value
    return mask
