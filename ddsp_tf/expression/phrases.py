"""Recordings as notes, and the course of pitch and loudness relative to these."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ddsp_tf.expression.performance import is_connected, note_frames
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.features.transcription import Note, transcribe

_STRAY_CENTS = 100.0
# Pitch does not deviate from its note by more than this, unless it glides.
LARGEST_CENTS = 60.0


class Phrase(NamedTuple):
    """A recording, or a part of one.

    Attributes:
        notes: Its notes.
        midi: Measured pitch as MIDI numbers, float64 [frames].
        level_db: Measured loudness in dB, float64 [frames].
        voiced: Whether the pitch can be relied on, bool [frames].
    """

    notes: Sequence[Note]
    midi: np.ndarray
    level_db: np.ndarray
    voiced: np.ndarray

    @classmethod
    def of(
        cls,
        features: Mapping[str, np.ndarray],
        frame_rate: float,
        audio: np.ndarray | None = None,
        sample_rate: int | None = None,
    ) -> "Phrase":
        """Finds the notes of a recording; the arguments are those of `transcribe`.

        Example:
            >>> features = {"f0_hz": np.full(100, 440.0), "loudness_db": np.full(100, -20.0)}
            >>> len(Phrase.of(features, 100).notes)
            1
        """
        notes = transcribe(features, frame_rate, audio, sample_rate)
        f0_hz = np.asarray(features["f0_hz"], np.float64)
        midi = 69.0 + 12.0 * np.log2(np.maximum(f0_hz, 1e-3) / 440.0)
        confidence = np.asarray(features.get("f0_confidence", np.ones(f0_hz.size)))
        level_db = np.asarray(features["loudness_db"], np.float64)
        return cls(notes, midi, level_db, (f0_hz > 0.0) & (confidence >= VOICED_CONFIDENCE))

    def moves(self, frame_rate: float) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Measures the course of loudness and pitch inside each note.

        Yields:
            The note's frames; decibels relative to its level; and cents relative to its pitch, NaN
            where the pitch is uncertain or too far off to be a part of the note.
        """
        for k, (first, end) in enumerate(note_frames(self.notes, frame_rate, self.midi.size)):
            own, note = slice(first, end), self.notes[k]
            cents = 100.0 * (self.midi[own] - note.midi)
            limit = np.maximum(cents_limit(note_facts(self.notes, k), end - first), _STRAY_CENTS)
            kept = self.voiced[own] & (np.abs(cents) <= limit)
            yield own, self.level_db[own] - note.level_db, np.where(kept, cents, np.nan)


def note_facts(notes: Sequence[Note], k: int) -> list[float]:
    """Returns the properties of a note that are compared with those of recorded notes.

    Args:
        notes: Notes of one voice.
        k: Number of the note.

    Returns:
        Its MIDI number and level; whether it is connected to the notes before and after it, 1 or 0;
        and the intervals to those in semitones, 0 where it is not connected.

    Example:
        >>> note_facts([Note(0.0, 1.0, 60.0, -20.0), Note(1.0, 2.0, 64.0, -20.0)], 1)
        [64.0, -20.0, 1.0, 0.0, -4.0, 0.0]
    """
    note, found = notes[k], []
    for other in (k - 1, k + 1):
        pair = notes[min(k, other)], notes[max(k, other) % len(notes)]
        there = 0 <= other < len(notes) and is_connected(*pair)
        found.append((float(there), notes[other].midi - note.midi if there else 0.0))
    (before, interval_before), (after, interval_after) = found
    return [note.midi, note.level_db, before, after, interval_before, interval_after]


def cents_limit(facts: Sequence[float], frames: int) -> np.ndarray:
    """Returns how far the pitch may deviate in each frame: a glide covers half the interval.

    Args:
        facts: `note_facts` of the note.
        frames: Number of its frames.

    Returns:
        Largest deviation in cents, up or down [frames].

    Example:
        >>> cents_limit([60.0, -20.0, 1.0, 0.0, -4.0, 0.0], 4).tolist()
        [200.0, 200.0, 60.0, 60.0]
    """
    before, after = np.maximum(50.0 * np.abs(facts[4:6]), LARGEST_CENTS)
    return np.where(np.arange(frames) < frames / 2, before, after)
