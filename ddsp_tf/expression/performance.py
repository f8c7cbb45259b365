"""The curves of pitch and loudness that a model plays, computed from the notes of a part."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.expression.parts import Part
from ddsp_tf.features.notes import SILENT_DB
from ddsp_tf.features.transcription import Note

# Notes that are no further apart are connected: by a glide, without a new attack.
CONNECTED_SECONDS = 0.03
LARGEST_AMOUNT = 1.5
_ATTACK_SECONDS, _RELEASE_SECONDS, _EDGE_DB = 0.03, 0.05, 30.0
_GLIDE_SECONDS = 0.04
_VIBRATO_HZ, _VIBRATO_DELAY_SECONDS, _VIBRATO_RISE_SECONDS = 5.5, 0.15, 0.3
_MODULATION_CENTS = 50.0
_LARGEST_VIBRATO_CENTS = 200.0


class Shapes(NamedTuple):
    """The course of pitch and loudness.

    Attributes:
        midi: Pitch as MIDI numbers, float64 [frames].
        level_db: Loudness in dB, float64 [frames]; -80 in silence.
    """

    midi: np.ndarray
    level_db: np.ndarray


class Expression(ABC):
    """The way in which a player shapes notes."""

    @abstractmethod
    def shapes(
        self, notes: Sequence[Note], frame_rate: float, frames: int, seed: int = 0
    ) -> Shapes:
        """Shapes the notes of one voice.

        Args:
            notes: Notes with their loudness in dB, none of which overlaps the next.
            frame_rate: Frames per second.
            frames: Number of frames to return.
            seed: Seed of everything random.

        Returns:
            Pitch and loudness of every frame.
        """


class Plain(Expression):
    """Steady pitch and loudness, with short attacks, glides and releases.

    Example:
        >>> shapes = Plain().shapes([Note(0.1, 0.5, 69.0, -20.0)], 100, 60)
        >>> float(shapes.midi[30]), float(shapes.level_db[30]), float(shapes.level_db[55])
        (69.0, -20.0, -80.0)
    """

    def shapes(
        self, notes: Sequence[Note], frame_rate: float, frames: int, seed: int = 0
    ) -> Shapes:
        """Shapes the notes of one voice; see `Expression.shapes`."""
        midi, level_db = np.zeros(frames), np.full(frames, SILENT_DB)
        if not notes:
            return Shapes(midi, level_db)
        midi[:] = notes[0].midi
        places = note_frames(notes, frame_rate, frames)
        for note, (first, end) in zip(notes, places, strict=True):
            midi[first:] = note.midi
            level_db[first:end] = note.level_db
        half = max(round(_GLIDE_SECONDS * frame_rate / 2.0), 1)
        for k, (first, end) in enumerate(places):
            if k and is_connected(notes[k - 1], notes[k]):
                reach = min(half, end - first, first)
                share = (np.arange(2 * reach) + 0.5) / (2 * reach)
                turn = 0.5 - 0.5 * np.cos(np.pi * share)
                midi[first - reach : first + reach] = (
                    notes[k - 1].midi + (notes[k].midi - notes[k - 1].midi) * turn
                )
            else:
                _ramp(level_db[first:end], _ATTACK_SECONDS * frame_rate)
            if k + 1 == len(notes) or not is_connected(notes[k], notes[k + 1]):
                _ramp(level_db[first:end][::-1], _RELEASE_SECONDS * frame_rate)
        return Shapes(midi, np.maximum(level_db, SILENT_DB))


def _ramp(level_db: np.ndarray, steps: float) -> None:
    """Lowers the first frames, in place: a ramp that starts 30 dB lower."""
    count = min(max(round(steps), 1), level_db.size)
    level_db[:count] -= _EDGE_DB * (1.0 - (np.arange(count) + 0.5) / count)


def note_frames(notes: Sequence[Note], frame_rate: float, frames: int) -> list[tuple[int, int]]:
    """Returns first frame and end (exclusive) of notes, at least one frame each if possible.

    Example:
        >>> note_frames([Note(0.1, 0.5, 69.0)], 100, 40)
        [(10, 40)]
    """
    places = []
    for note in notes:
        first = min(round(note.onset_s * frame_rate), frames)
        places.append((first, min(max(round(note.offset_s * frame_rate), first + 1), frames)))
    return places


def is_connected(before: Note, after: Note) -> bool:
    """Whether one note follows another without a gap.

    Example:
        >>> is_connected(Note(0.0, 1.0, 60.0), Note(1.01, 2.0, 62.0))
        True
    """
    return after.onset_s - before.offset_s <= CONNECTED_SECONDS


def perform(
    part: Part,
    frame_rate: float,
    frames: int,
    expression: Expression | None = None,
    amount: float = 1.0,
    vibrato_cents: float = 0.0,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Computes the pitch and loudness curves of a part.

    Args:
        part: Notes of one voice with their loudness in dB, and controllers.
        frame_rate: Frames per second.
        frames: Number of frames to return.
        expression: Expression of the player who shapes the notes; None for `Plain`.
        amount: Share of that expression: 0 for none, 1 as the player does, up to 1.5.
        vibrato_cents: Vibrato added to each note, in cents either way; the modulation wheel adds
            up to 50.
        seed: Seed of everything random.

    Returns:
        "f0_hz" and "loudness_db", float32 [frames].

    Raises:
        UserError: If the amount or the vibrato is out of range.

    Example:
        >>> curves = perform(Part("", (Note(0.0, 1.0, 69.0, -20.0),)), 100, 100)
        >>> float(curves["f0_hz"][50]), float(curves["loudness_db"][50])
        (440.0, -20.0)
    """
    if not 0.0 <= amount <= LARGEST_AMOUNT:
        raise UserError(f"expression {amount}: expected 0 to {LARGEST_AMOUNT}")
    if not 0.0 <= vibrato_cents <= _LARGEST_VIBRATO_CENTS:
        raise UserError(f"vibrato {vibrato_cents}: expected 0 to {_LARGEST_VIBRATO_CENTS:g} cents")
    midi, level_db = Plain().shapes(part.notes, frame_rate, frames)
    if expression is not None and amount > 0.0:
        shaped = expression.shapes(part.notes, frame_rate, frames, seed)
        pause = level_db <= SILENT_DB
        midi = midi + amount * (shaped.midi - midi)
        level_db = level_db + amount * (shaped.level_db - level_db)
        # Not louder than the player's own noise in pauses.
        level_db = np.where(pause, np.minimum(level_db, shaped.level_db), level_db)
    times = np.arange(frames) / frame_rate
    depth = vibrato_cents + _MODULATION_CENTS * part.modulation.at(times)
    midi = midi + part.bend_semitones.at(times)
    midi = midi + _vibrato(part.notes, depth / 100.0, frame_rate)
    level_db = level_db + part.gain_db.at(times)
    f0_hz = 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
    return {
        "f0_hz": np.where(midi > 0.0, f0_hz, 0.0).astype(np.float32),
        "loudness_db": np.maximum(level_db, SILENT_DB).astype(np.float32),
    }


def _vibrato(notes: Sequence[Note], depth: np.ndarray, frame_rate: float) -> np.ndarray:
    """Returns semitones [frames] of a vibrato that begins shortly after each onset."""
    frames = depth.size
    share = np.zeros(frames)
    if not depth.any():
        return share
    for first, end in note_frames(notes, frame_rate, frames):
        since = np.arange(end - first) / frame_rate - _VIBRATO_DELAY_SECONDS
        share[first:end] = np.clip(since / _VIBRATO_RISE_SECONDS, 0.0, 1.0)
    return depth * share * np.sin(2.0 * np.pi * _VIBRATO_HZ * np.arange(frames) / frame_rate)
