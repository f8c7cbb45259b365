"""The inputs of the network that shapes notes: eleven numbers per frame."""

from collections.abc import Sequence

import numpy as np

from ddsp_tf.expression.performance import note_frames
from ddsp_tf.features.transcription import Note

CURVES = (
    "sounding",
    "midi",
    "level_db",
    "since_s",
    "left_s",
    "gap_before_s",
    "interval_before",
    "step_before_db",
    "gap_after_s",
    "interval_after",
    "step_after_db",
)
# The gap to a neighbour that does not exist.
_FAR_SECONDS = 10.0


def note_curves(notes: Sequence[Note], frame_rate: float, frames: int) -> np.ndarray:
    """Describes the note of every frame and its neighbours.

    Args:
        notes: Notes of one voice, none of which overlaps the next.
        frame_rate: Frames per second.
        frames: Number of frames to return.

    Returns:
        float32 [frames, 11], in the order of `CURVES`; zeros in pauses. "sounding" is 1 in a note;
        "midi" and "level_db" are its pitch and level; "since_s" and "left_s" the seconds since its
        first and until its last frame; "gap_..." the pause between it and the note before or after,
        10 s if there is none; "interval_..." and "step_..." by how many semitones and dB that note
        is higher and louder.

    Example:
        >>> notes = [Note(0.0, 0.1, 60.0, -20.0), Note(0.15, 0.3, 64.0, -14.0)]
        >>> curves = note_curves(notes, 100, 40)
        >>> dict(zip(CURVES, curves[20].round(2).tolist()))["interval_before"]
        -4.0
    """
    curves = np.zeros((frames, len(CURVES)), np.float32)
    for k, (first, end) in enumerate(note_frames(notes, frame_rate, frames)):
        note, own = notes[k], np.arange(end - first) / frame_rate
        before = _neighbour(note, notes[k - 1] if k else None)
        after = _neighbour(note, notes[k + 1] if k + 1 < len(notes) else None)
        facts = (1.0, note.midi, note.level_db, 0.0, 0.0, *before, *after)
        curves[first:end] = facts
        curves[first:end, CURVES.index("since_s")] = own
        curves[first:end, CURVES.index("left_s")] = own[::-1]
    return curves


def _neighbour(note: Note, other: Note | None) -> tuple[float, float, float]:
    if other is None:
        return _FAR_SECONDS, 0.0, 0.0
    gap = max(other.onset_s - note.offset_s, note.onset_s - other.offset_s, 0.0)
    return min(gap, _FAR_SECONDS), other.midi - note.midi, other.level_db - note.level_db
