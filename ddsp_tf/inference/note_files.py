"""Files of notes: MIDI for sequencers and notation, CSV for everything else."""

import csv
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np

from ddsp_tf.errors import UserError, check_number
from ddsp_tf.expression.parts import Part, check_notes
from ddsp_tf.features.curve_input import checked_curves
from ddsp_tf.features.transcription import Note
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import check_is_file, check_suffix
from ddsp_tf.inference.feature_tables import first_column, read_table
from ddsp_tf.inference.midi_files import DB_PER_DECADE, LARGEST_BYTES, TEMPO, read_midi

MIDI_SUFFIXES = (".mid", ".midi")
SUFFIXES = (*MIDI_SUFFIXES, ".csv")
# A tick is a millisecond, at 120 beats per minute.
_TICKS_PER_BEAT, _TICKS_PER_SECOND = 500, 1000.0
# The default of most synthesizers, in semitones.
_BEND_SEMITONES = 2.0
_BEND_SECONDS = 0.01
_ONSET = "onset_s"
_NUMBERS = ("offset_s", "midi", "cents", "level_db")
_TABLE = "onset_s, offset_s and midi, and perhaps cents and level_db"


def save_notes(
    path: str | os.PathLike,
    notes: Sequence[Note],
    f0_hz: np.ndarray | None = None,
    frame_rate: float | None = None,
) -> None:
    """Writes notes to a MIDI or CSV file.

    A MIDI file has one track at 120 beats per minute, with 500 ticks per beat. The velocity of a
    note follows from its level: 127 for the loudest, half of that 12 dB below. Pitches are rounded
    to keys. A CSV file has the columns onset_s, offset_s, midi, cents, level_db and confidence.

    Args:
        path: File to write; ends in `.mid`, `.midi` or `.csv`.
        notes: Notes in order, from `transcribe`.
        f0_hz: Pitch in Hz [frames], 0 or NaN where there is none; a MIDI file follows it by pitch
            bend, up to two semitones either way. None for no pitch bend.
        frame_rate: Frames per second of `f0_hz`.

    Raises:
        UserError: If the suffix is unknown, a number is not finite or out of range, `f0_hz` is not
            [frames] of numbers, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "solo.csv"
        >>> save_notes(path, [Note(0.5, 1.0, 68.96, -20.0, 0.9)])
        >>> path.read_text().splitlines()[1]
        '0.500,1.000,69,-4,-20.0,0.90'
    """
    path = check_suffix(path, SUFFIXES)
    check_notes(notes)
    if f0_hz is not None:
        check_number("frame_rate", frame_rate, 1.0, 1e5)
        f0_hz = checked_curves({"f0_hz": f0_hz}, levels=())["f0_hz"]
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".csv":
            _write_csv(temporary, notes)
        else:
            _write_midi(temporary, notes, f0_hz, frame_rate)


def holds_notes(path: Path) -> bool:
    """Whether a file holds notes: a MIDI file, or a table whose first column is `onset_s`.

    Example:
        >>> holds_notes(Path("song.mid")), holds_notes(Path("song.wav"))
        (True, False)
    """
    if path.suffix.lower() == ".csv" and path.is_file():
        return first_column(path) == _ONSET
    return path.suffix.lower() in MIDI_SUFFIXES


def read_notes(path: str | os.PathLike) -> list[Part]:
    """Reads the parts of a MIDI file, or the one part of a table of notes.

    A table has the columns of `save_notes`; `cents` and `level_db` may be missing. Like velocities,
    its levels are relative to the loudest note. Spreadsheets may have saved it with other
    separators and decimal marks.

    Args:
        path: File to read; ends in `.mid`, `.midi` or `.csv`.

    Returns:
        Parts, at least one; see `read_midi`.

    Raises:
        UserError: If a MIDI file cannot be read (see `read_midi`), or a table lacks a column, holds
            no notes, or a number is missing or out of range.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "solo.csv"
        >>> save_notes(path, [Note(0.5, 1.0, 68.96, -20.0), Note(1.0, 2.0, 71.0, -14.0)])
        >>> [(note.midi, note.level_db) for note in read_notes(path)[0].notes]
        [(68.96, -6.0), (71.0, 0.0)]
    """
    path = check_suffix(path, SUFFIXES)
    if path.suffix.lower() != ".csv":
        return read_midi(path)
    size = check_is_file(path, "a table of notes").stat().st_size
    if size > LARGEST_BYTES:
        raise UserError(f"{path}: has {size} bytes; expected a table of notes of at most 4 MiB")
    if first_column(path) != _ONSET:
        raise UserError(f"{path}: the first column is not {_ONSET}; expected {_TABLE}")
    columns, onsets_s = read_table(path, _NUMBERS, {_ONSET: 1.0})
    for name in ("offset_s", "midi"):
        if name not in columns:
            raise UserError(f"{path}: has no column {name}; expected {_TABLE}")
    if not onsets_s.size:
        raise UserError(f"{path}: holds no notes; expected a row for each")
    nothing = np.zeros(onsets_s.size)
    midi = columns["midi"] + columns.get("cents", nothing) / 100.0
    levels_db = columns.get("level_db", nothing)
    numbers = np.stack([onsets_s, columns["offset_s"], midi, levels_db], axis=1)
    notes = [Note(*row) for row in numbers.tolist()]
    try:
        check_notes(notes)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    loudest = max(note.level_db for note in notes)
    notes = [dataclasses.replace(note, level_db=note.level_db - loudest) for note in notes]
    return [Part("", tuple(sorted(notes, key=lambda note: note.onset_s)))]


def _write_csv(path: Path, notes: Sequence[Note]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_ONSET, *_NUMBERS, "confidence"])
        for note in notes:
            key = round(note.midi)
            times = (f"{note.onset_s:.3f}", f"{note.offset_s:.3f}")
            pitch = (key, round(100.0 * (note.midi - key)))
            writer.writerow([*times, *pitch, f"{note.level_db:.1f}", f"{note.confidence:.2f}"])


def _write_midi(path, notes, f0_hz, frame_rate) -> None:
    loudest = max((note.level_db for note in notes), default=0.0)
    # At equal times, a note ends before the bend of the next one.
    events = []
    for note in notes:
        key = int(np.clip(round(note.midi), 0, 127))
        velocity = 127.0 * 10.0 ** ((note.level_db - loudest) / DB_PER_DECADE)
        velocity = int(np.clip(round(velocity), 1, 127))
        on = mido.Message("note_on", note=key, velocity=velocity)
        events += [(note.onset_s, 2, on), (note.offset_s, 0, mido.Message("note_off", note=key))]
        if f0_hz is not None:
            events += [(time, 1, message) for time, message in _bends(note, key, f0_hz, frame_rate)]
    events.sort(key=lambda event: event[:2])
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=TEMPO)])
    if f0_hz is not None:
        # Registered parameter 0 is the range of pitch bend.
        range_semitones = int(_BEND_SEMITONES)
        for control, value in ((101, 0), (100, 0), (6, range_semitones), (38, 0)):
            track.append(mido.Message("control_change", control=control, value=value))
    now = 0
    for time, _, message in events:
        tick = round(time * _TICKS_PER_SECOND)
        track.append(message.copy(time=tick - now))
        now = tick
    midi = mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_BEAT, tracks=[track])
    midi.save(os.fspath(path))


def _bends(note: Note, key: int, f0_hz: np.ndarray, frame_rate: float):
    """Yields pitch bend messages along a note, at most every 10 ms."""
    step = max(round(_BEND_SECONDS * frame_rate), 1)
    first, end = round(note.onset_s * frame_rate), round(note.offset_s * frame_rate)
    last = None
    for frame in range(first, min(end, len(f0_hz)), step):
        if f0_hz[frame] <= 0.0:
            continue
        semitones = 69.0 + 12.0 * np.log2(f0_hz[frame] / 440.0) - key
        bend = int(np.clip(round(8192.0 * semitones / _BEND_SEMITONES), -8192, 8191))
        if bend != last:
            yield frame / frame_rate, mido.Message("pitchwheel", pitch=bend)
            last = bend
