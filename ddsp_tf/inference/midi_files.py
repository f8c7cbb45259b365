"""Reading standard MIDI files as parts: tempo, notes and controllers."""

import functools
import io
import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.expression.parts import LONGEST_SECONDS, Part, Steps
from ddsp_tf.features.transcription import Note
from ddsp_tf.files.names import check_is_file

_DRUMS = 9
#: Size of the largest file of notes that is read.
LARGEST_BYTES = 4 << 20
# Other formats that hold a MIDI file, such as RIFF and MacBinary, have a header of their own.
_FOREIGN_HEADER_BYTES = 4096
# More ticks than four hours have at any tempo; a float could overflow above this.
_LATEST_TICK = 1 << 53
# Bytes above 127 continue a number; the time to read one grows with the square of its length.
_CONTINUES = bytes(128) + b"\x01" * 128
_ENDLESS_NUMBER = b"\x01" * 10_000
#: Microseconds per beat of a file that sets no tempo.
TEMPO = 500_000
_MODULATION, _DATA, _VOLUME, _EXPRESSION, _FINE_DATA, _PEDAL = 1, 6, 7, 11, 38, 64
_PARAMETER_LOW, _PARAMETER_HIGH = 100, 101
#: Gains are the squares of velocity, volume and expression, as in the General MIDI guidelines.
DB_PER_DECADE = 40.0
_SILENT_DB = -90.0


def read_midi(path: str | os.PathLike) -> list[Part]:
    """Reads the parts of a MIDI file.

    Each channel of each track that has notes is a part. Drums (channel 10) are left out. Times
    follow the file's tempo and its changes. Velocity, volume (CC 7) and expression (CC 11) become
    levels in dB, 0 for the loudest; the sustain pedal (CC 64) lengthens notes up to the next one;
    pitch bend and modulation wheel (CC 1) are kept.

    Args:
        path: `.mid` file of type 0 or 1.

    Returns:
        Parts in the order of their tracks and channels, at least one.

    Raises:
        UserError: If the file is not a MIDI file, is damaged, holds no notes or only drums, has a
            tempo of 0, or lasts more than four hours.

    Example:
        >>> read_midi("nowhere.mid")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: nowhere.mid: no such file; expected a MIDI file
    """
    path = Path(path)
    midi = _opened(path)
    seconds_of = _clock(path, midi)
    channels: dict[int, list] = defaultdict(list)
    keys: dict[tuple[int, int], list] = defaultdict(list)
    names, end = {}, 0
    for number, tick, message in _timed(path, midi):
        if message.type == "track_name":
            names[number] = message.name.strip()
        elif message.type in ("note_on", "note_off"):
            keys[number, message.channel].append((tick, message))
        elif message.type in ("control_change", "pitchwheel"):
            channels[message.channel].append((tick, message))
        end = max(end, tick)
    if not any(_starts(message) for events in keys.values() for _, message in events):
        raise UserError(f"{path}: holds no notes; expected a MIDI file with a melody")
    if seconds_of(end) > LONGEST_SECONDS:
        hours = seconds_of(end) / 3600.0
        raise UserError(f"{path}: lasts {hours:.3g} hours; expected at most 4")
    # Once for all tracks of a channel: a file may have thousands.
    controllers_of = functools.cache(lambda channel: _Controllers(channels[channel], seconds_of))
    parts = []
    for number, channel in sorted(keys):
        if channel == _DRUMS:
            continue
        controllers = controllers_of(channel)
        notes = _notes(keys[number, channel], seconds_of, seconds_of(end))
        if notes:
            notes = controllers.sustained(notes)
            parts.append(controllers.part(names.get(number, ""), notes))
    if not parts:
        raise UserError(
            f"{path}: holds only drums (channel 10) or notes without a length; expected a melody "
            "on another channel"
        )
    return parts


def _opened(path: Path) -> mido.MidiFile:
    size = check_is_file(path, "a MIDI file").stat().st_size
    if size > LARGEST_BYTES:
        raise UserError(f"{path}: has {size} bytes; expected a MIDI file of at most 4 MiB")
    content = path.read_bytes()
    if _ENDLESS_NUMBER in content.translate(_CONTINUES):
        raise UserError(f"{path}: not a MIDI file, or damaged (a number in it does not end)")
    start = max(content.find(b"MThd", 0, _FOREIGN_HEADER_BYTES), 0)
    try:
        midi = mido.MidiFile(file=io.BytesIO(content[start:]), clip=True)
    except EOFError as error:
        raise UserError(f"{path}: not a MIDI file, or damaged (it is incomplete)") from error
    except Exception as error:  # mido raises many types for a damaged file.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{path}: not a MIDI file, or damaged ({reason})") from error
    if midi.type not in (0, 1):
        raise UserError(
            f"{path}: is of type {midi.type}; expected a single song: save it as type 0 or 1"
        )
    if midi.ticks_per_beat <= 0:
        found = "frames of film (SMPTE)" if midi.ticks_per_beat else "0 ticks per beat"
        raise UserError(f"{path}: counts time in {found}; expected ticks per beat")
    return midi


def _timed(path: Path, midi: mido.MidiFile) -> Iterator[tuple[int, int, Any]]:
    """Yields the number of the track, the time in ticks, and each message."""
    for number, track in enumerate(midi.tracks):
        tick = 0
        for message in track:
            tick += message.time
            if tick > _LATEST_TICK:
                raise UserError(f"{path}: lasts longer than any song; expected at most 4 hours")
            yield number, tick, message


def _clock(path: Path, midi: mido.MidiFile):
    """Returns a function from ticks to seconds."""
    changes = []
    for _, tick, message in _timed(path, midi):
        if message.type == "set_tempo":
            if message.tempo == 0:
                raise UserError(
                    f"{path}: sets a tempo of 0 microseconds a beat at tick {tick}; expected "
                    "more than 0"
                )
            changes.append((tick, message.tempo))
    changes.sort(key=lambda change: change[0])
    ticks = np.array([0, *(tick for tick, _ in changes)], np.float64)
    tempos = np.array([TEMPO, *(tempo for _, tempo in changes)], np.float64)
    rates = tempos * 1e-6 / midi.ticks_per_beat
    seconds = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * rates[:-1])])

    def seconds_of(tick: float) -> float:
        place = int(np.searchsorted(ticks, tick, side="right")) - 1
        return float(seconds[place] + (tick - ticks[place]) * rates[place])

    return seconds_of


def _notes(events: list, seconds_of, end_s: float) -> list[Note]:
    """Pairs the presses and releases of keys."""
    notes, sounding = [], {}

    def ended(key, time):
        onset, velocity = sounding.pop(key)
        if time > onset:
            notes.append(Note(onset, time, float(key), _level_db(velocity)))

    for tick, message in events:
        time, key = seconds_of(tick), message.note
        if key in sounding:
            ended(key, time)
        if _starts(message):
            sounding[key] = time, message.velocity
    for key in list(sounding):
        ended(key, end_s)
    return sorted(notes, key=lambda note: (note.onset_s, note.midi))


def _starts(message: Any) -> bool:
    return message.type == "note_on" and message.velocity > 0


def _level_db(value: float) -> float:
    """Returns the level in dB of a velocity or controller of 0 to 127."""
    return max(DB_PER_DECADE * float(np.log10(max(value, 1e-3) / 127.0)), _SILENT_DB)


class _Controllers:
    """The controllers of a channel."""

    def __init__(self, events: list, seconds_of):
        gain, bend, modulation, pedal = [], [], [], []
        volume, expression, range_semitones, parameter = 127, 127, 2.0, [127, 127]
        for tick, message in sorted(events, key=lambda event: event[0]):
            time = seconds_of(tick)
            if message.type == "pitchwheel":
                bend.append((time, message.pitch / 8192.0 * range_semitones))
                continue
            control, value = message.control, message.value
            if control in (_VOLUME, _EXPRESSION):
                volume = value if control == _VOLUME else volume
                expression = value if control == _EXPRESSION else expression
                gain.append((time, _level_db(volume) + _level_db(expression)))
            elif control == _MODULATION:
                modulation.append((time, value / 127.0))
            elif control == _PEDAL:
                pedal.append((time, value >= 64))
            elif control in (_PARAMETER_LOW, _PARAMETER_HIGH):
                parameter[control - _PARAMETER_LOW] = value
            elif control == _DATA and parameter == [0, 0]:
                range_semitones = float(value)
            elif control == _FINE_DATA and parameter == [0, 0]:
                range_semitones = float(int(range_semitones)) + value / 100.0
        changes = (gain, bend, modulation, pedal)
        self._gain, self._bend, self._modulation, self._pedal = map(_steps, changes)
        self._releases = [time for time, down in pedal if not down]

    def part(self, name: str, notes: list[Note]) -> Part:
        return Part(name, tuple(notes), self._gain, self._bend, self._modulation)

    def sustained(self, notes: list[Note]) -> list[Note]:
        """Lengthens notes that end while the pedal is down, up to the next one."""
        lengthened, releases = [], self._releases
        onsets = [note.onset_s for note in notes]
        for note in notes:
            end = note.offset_s
            if self._pedal.at(np.array(end)) > 0.0:
                places = bisect_right(releases, end), bisect_left(onsets, end)
                nexts = releases[places[0] : places[0] + 1] + onsets[places[1] : places[1] + 1]
                end = min(nexts, default=end)
            lengthened.append(Note(note.onset_s, end, note.midi, note.level_db))
        return lengthened


def _steps(changes: list) -> Steps:
    times, values = np.array(changes, np.float64).reshape(-1, 2).T
    return Steps(times, values)
