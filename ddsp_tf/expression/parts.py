"""The part of one player: notes and controllers."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ddsp_tf.errors import UserError, check_number
from ddsp_tf.features.transcription import Note

Chords = Literal["highest", "lowest", "error"]
CHORDS = ("highest", "lowest", "error")
# Keyboard players release a note shortly after they have struck the next one.
_LEGATO_SECONDS, _LEGATO_SHARE = 0.1, 0.5
_REPEATED_SECONDS = 0.06
#: Shortest note that can be played.
SHORTEST_SECONDS = 0.02
#: Longest song that can be played.
LONGEST_SECONDS = 4.0 * 3600.0
_LATEST_SECONDS, _MOST_MIDI, _MOST_DB = 1e5, 200.0, 200.0


@dataclasses.dataclass(frozen=True)
class Steps:
    """A controller: a value that holds until it changes.

    Attributes:
        times_s: Times of the changes in seconds, increasing [changes].
        values: Values that hold from these times [changes].
        before: Value before the first change.
    """

    times_s: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    values: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    before: float = 0.0

    def at(self, times_s: np.ndarray) -> np.ndarray:
        """Returns the values at times in seconds, float64 of the same shape.

        Example:
            >>> Steps(np.array([1.0]), np.array([5.0])).at(np.array([0.5, 1.0, 2.0])).tolist()
            [0.0, 5.0, 5.0]
        """
        place = np.searchsorted(self.times_s, times_s, side="right")
        return np.concatenate([[self.before], self.values])[place]


@dataclasses.dataclass(frozen=True)
class Part:
    """The part of one player.

    Attributes:
        name: Name of the track, "" if it has none.
        notes: Notes in order of their onsets; 0 dB is the loudest level that can be played.
        gain_db: Volume and expression, in dB, 0 or less.
        bend_semitones: Pitch bend.
        modulation: Modulation wheel, 0 to 1.

    Example:
        >>> Part("melody", (Note(0.0, 0.5, 60.0), Note(0.5, 1.5, 62.0))).end_s
        1.5
    """

    name: str
    notes: tuple[Note, ...]
    gain_db: Steps = Steps()
    bend_semitones: Steps = Steps()
    modulation: Steps = Steps()

    @property
    def end_s(self) -> float:
        """End of the last note in seconds."""
        return max((note.offset_s for note in self.notes), default=0.0)


def check_notes(notes: Sequence[Note]) -> None:
    """Checks that notes can be played.

    Args:
        notes: Notes with times of 0 or more in seconds, MIDI numbers and levels in dB.

    Raises:
        UserError: If a number is not finite or out of range; names the note.

    Example:
        >>> check_notes([Note(1.0, 1.0, 60.0)])
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: note 0: from 1 s to 1 s; expected an end after its start
    """
    for k, note in enumerate(notes):
        check_number(f"note {k}: onset_s", note.onset_s, 0.0, _LATEST_SECONDS)
        check_number(f"note {k}: offset_s", note.offset_s, 0.0, _LATEST_SECONDS)
        check_number(f"note {k}: midi", note.midi, -_MOST_MIDI, _MOST_MIDI)
        check_number(f"note {k}: level_db", note.level_db, -_MOST_DB, _MOST_DB)
        if note.offset_s <= note.onset_s:
            span = f"from {note.onset_s:g} s to {note.offset_s:g} s"
            raise UserError(f"note {k}: {span}; expected an end after its start")


def one_voice(notes: Sequence[Note], chords: Chords = "highest") -> tuple[list[Note], int]:
    """Reduces notes to one at a time.

    A note that lasts a little into the next one, by up to 0.1 s and half of the shorter note, is
    played legato: it ends where the next one begins. Of two notes that sound together for longer,
    the higher or the lower one is played. Notes shorter than 20 ms are left out.

    Args:
        notes: Notes in order of their onsets.
        chords: Note that is played of two at once: "highest", "lowest", or "error" for none.

    Returns:
        Notes, none of which overlaps the next, and the number of notes that were removed or cut
        because another one sounded.

    Raises:
        UserError: If two notes sound at once and `chords` is "error".

    Example:
        >>> chord = [Note(0.0, 1.0, 60.0), Note(0.0, 1.0, 64.0), Note(1.0, 2.0, 62.0)]
        >>> voice, left_out = one_voice(chord)
        >>> [note.midi for note in voice], left_out
        ([64.0, 62.0], 1)
    """
    voice: list[Note] = []
    left_out = 0
    for note in sorted(notes, key=lambda note: (note.onset_s, note.midi)):
        while voice and note.onset_s < voice[-1].offset_s:
            last = voice[-1]
            overlap = min(last.offset_s, note.offset_s) - note.onset_s
            shorter = min(last.offset_s - last.onset_s, note.offset_s - note.onset_s)
            together = overlap > min(_LEGATO_SECONDS, _LEGATO_SHARE * shorter)
            if together and chords == "error":
                raise UserError(
                    f"two notes at once at {note.onset_s:.2f} s, MIDI {last.midi:g} and "
                    f"{note.midi:g}; expected one at a time, or say which to play"
                )
            higher = note.midi > last.midi
            left_out += together
            if together and higher != (chords == "highest"):
                # The rest of the note, after the one that is played.
                note = dataclasses.replace(note, onset_s=last.offset_s)
                break
            voice[-1] = dataclasses.replace(last, offset_s=note.onset_s)
            if voice[-1].offset_s - voice[-1].onset_s >= SHORTEST_SECONDS:
                break
            voice.pop()
        if note.offset_s - note.onset_s >= SHORTEST_SECONDS:
            voice.append(note)
    return voice, left_out


def with_repeats_apart(notes: Sequence[Note]) -> list[Note]:
    """Shortens notes that are followed at once by the same key, so that both are heard.

    Args:
        notes: Notes of one voice.

    Returns:
        Notes; a gap of 60 ms, but at most half of the first note, separates two of one key.

    Example:
        >>> twice = [Note(0.0, 1.0, 60.0), Note(1.0, 2.0, 60.0)]
        >>> [(note.onset_s, note.offset_s) for note in with_repeats_apart(twice)]
        [(0.0, 0.94), (1.0, 2.0)]
    """
    apart = list(notes)
    for k, (note, following) in enumerate(itertools.pairwise(notes)):
        if round(note.midi) == round(following.midi):
            middle = 0.5 * (note.onset_s + note.offset_s)
            end = min(note.offset_s, max(middle, following.onset_s - _REPEATED_SECONDS))
            apart[k] = dataclasses.replace(note, offset_s=end)
    return apart


def within_range(
    notes: Sequence[Note], lowest: float, highest: float
) -> tuple[list[Note], list[Note]]:
    """Transposes notes by octaves into a range of pitch.

    Args:
        notes: Notes.
        lowest: Lowest MIDI number.
        highest: Highest MIDI number.

    Returns:
        All notes, with those outside the range moved into it by the fewest octaves; and the notes
        that were outside.

    Example:
        >>> moved, outside = within_range([Note(0.0, 1.0, 40.0)], 55.0, 88.0)
        >>> moved[0].midi, len(outside)
        (64.0, 1)
    """
    moved, outside = [], []
    for note in notes:
        short = max(lowest - 0.5 - note.midi, note.midi - highest - 0.5, 0.0)
        if short > 0.0:
            outside.append(note)
            octaves = np.ceil(short / 12.0) * (1.0 if note.midi < lowest else -1.0)
            note = dataclasses.replace(note, midi=float(note.midi + 12.0 * octaves))
        moved.append(note)
    return moved, outside


def with_levels(notes: Sequence[Note], softest_db: float, loudest_db: float) -> list[Note]:
    """Maps the levels of a part to those of an instrument.

    Args:
        notes: Notes whose level is in dB below the loudest that can be played.
        softest_db: Loudness of the softest notes that the instrument plays.
        loudest_db: Loudness of the loudest ones.

    Returns:
        Notes with their loudness in dB.

    Example:
        >>> [note.level_db for note in with_levels([Note(0.0, 1.0, 60.0, -12.0)], -25.0, 6.0)]
        [-6.0]
    """

    def level(note: Note) -> float:
        return max(loudest_db + note.level_db, softest_db)

    return [dataclasses.replace(note, level_db=level(note)) for note in notes]


def humanized(notes: Sequence[Note], seconds: float, seed: int) -> list[Note]:
    """Moves the onsets of notes at random.

    Args:
        notes: Notes of one voice.
        seconds: Standard deviation in seconds; no note moves by more than twice that, or by more
            than half its length or that of the note before.
        seed: Seed of the random numbers.

    Returns:
        Notes; each still ends where the next one begins, if it did so before.

    Example:
        >>> notes = [Note(0.0, 1.0, 60.0), Note(1.0, 2.0, 62.0)]
        >>> humanized(notes, 0.0, seed=0) == notes
        True
    """
    generator = np.random.default_rng(seed)
    moves = np.clip(generator.normal(0.0, seconds, len(notes)), -2.0 * seconds, 2.0 * seconds)
    moved = list(notes)
    for k, move in enumerate(moves.tolist()):
        note = moved[k]
        earliest = 0.5 * (moved[k - 1].onset_s + notes[k - 1].offset_s) if k else 0.0
        latest = 0.5 * (note.onset_s + note.offset_s)
        onset = float(np.clip(note.onset_s + move, min(earliest, note.onset_s), latest))
        moved[k] = dataclasses.replace(note, onset_s=onset)
        if k and (moved[k - 1].offset_s > onset or notes[k - 1].offset_s == note.onset_s):
            moved[k - 1] = dataclasses.replace(moved[k - 1], offset_s=onset)
    return moved
