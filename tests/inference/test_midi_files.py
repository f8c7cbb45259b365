"""MIDI files: tempo, controllers, pedal, and everything that is wrong with them."""

import mido
import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.midi_files import read_midi
from ddsp_tf.inference.note_files import save_notes

ON, OFF, CONTROL = "note_on", "note_off", "control_change"


def track(*events, name=None):
    """A track of (ticks since the event before, type, arguments)."""
    messages = [mido.MetaMessage("track_name", name=name)] if name else []
    for ticks, kind, arguments in events:
        make = mido.MetaMessage if kind == "set_tempo" else mido.Message
        messages.append(make(kind, time=ticks, **arguments))
    return mido.MidiTrack(messages)


def saved(path, *tracks, ticks_per_beat=480, kind=1):
    mido.MidiFile(type=kind, ticks_per_beat=ticks_per_beat, tracks=list(tracks)).save(path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "song.mid"


def melody(channel=0):
    return (
        (0, ON, {"note": 60, "velocity": 127, "channel": channel}),
        (480, OFF, {"note": 60, "channel": channel}),
    )


def test_tempo_changes_hold_for_all_tracks(path):
    tempos = track((0, "set_tempo", {"tempo": 500_000}), (480, "set_tempo", {"tempo": 1_000_000}))
    notes = track(
        (240, ON, {"note": 60, "velocity": 64}),
        (480, ON, {"note": 60, "velocity": 0}),
        name="flute",
    )
    (part,) = read_midi(saved(path, tempos, notes))
    assert part.name == "flute"
    # A beat is half a second, from the second one on a whole one.
    assert part.notes[0].onset_s == pytest.approx(0.25)
    assert part.notes[0].offset_s == pytest.approx(1.0)
    assert part.notes[0].level_db == pytest.approx(40.0 * np.log10(64 / 127))


def test_volume_expression_modulation_and_bend(path):
    controls = (
        (0, CONTROL, {"control": 7, "value": 64}),
        (480, CONTROL, {"control": 11, "value": 64}),
        (0, CONTROL, {"control": 1, "value": 127}),
        (0, "pitchwheel", {"pitch": 4096}),
        (0, CONTROL, {"control": 101, "value": 0}),
        (0, CONTROL, {"control": 100, "value": 0}),
        (0, CONTROL, {"control": 6, "value": 12}),
        (480, "pitchwheel", {"pitch": -8192}),
    )
    (part,) = read_midi(saved(path, track(*controls, *melody())))
    times = np.array([0.1, 0.6, 1.1])
    half = 40.0 * np.log10(64 / 127)
    np.testing.assert_allclose(part.gain_db.at(times), [half, 2 * half, 2 * half])
    np.testing.assert_allclose(part.modulation.at(times), [0.0, 1.0, 1.0])
    np.testing.assert_allclose(part.bend_semitones.at(times), [0.0, 1.0, -12.0])


def test_the_pedal_holds_a_note_up_to_the_next_one_or_its_release(path):
    (part,) = read_midi(
        saved(
            path,
            track(
                (0, CONTROL, {"control": 64, "value": 127}),
                (0, ON, {"note": 60, "velocity": 100}),
                (240, OFF, {"note": 60}),
                (240, ON, {"note": 62, "velocity": 100}),
                (240, OFF, {"note": 62}),
                (480, CONTROL, {"control": 64, "value": 0}),
                (480, ON, {"note": 64, "velocity": 100}),
                (240, OFF, {"note": 64}),
            ),
        )
    )
    spans = [(round(n.onset_s, 3), round(n.offset_s, 3)) for n in part.notes]
    assert spans == [(0.0, 0.5), (0.5, 1.25), (1.75, 2.0)]


def test_channels_are_parts_and_drums_are_none(path):
    parts = read_midi(saved(path, track(*melody(3), *melody(9), *melody(1)), kind=0))
    assert [len(part.notes) for part in parts] == [1, 1]


def test_the_controllers_of_a_channel_are_read_once_for_all_tracks(path):
    bends = [(1, "pitchwheel", {"pitch": k}) for k in range(2000)]
    parts = read_midi(saved(path, track(*bends), *[track(*melody())] * 2000))
    assert len(parts) == 2000
    assert parts[0].bend_semitones is parts[-1].bend_semitones
    assert parts[0].bend_semitones.values.size == 2000


def test_keys_struck_again_and_never_released(path):
    strike = {"note": 60, "velocity": 100}
    (part,) = read_midi(saved(path, track((0, ON, strike), (480, ON, strike), (480, ON, strike))))
    assert [(n.onset_s, n.offset_s) for n in part.notes] == [(0.0, 0.5), (0.5, 1.0)]


def test_notes_come_back_as_they_were_written(path):
    notes = [Note(0.5, 1.25, 69.0, 0.0), Note(1.25, 1.5, 71.0, -12.0)]
    save_notes(path, notes)
    (part,) = read_midi(path)
    for note, wanted in zip(part.notes, notes, strict=True):
        assert (note.onset_s, note.offset_s, note.midi) == pytest.approx(
            (wanted.onset_s, wanted.offset_s, wanted.midi), abs=1e-3
        )
        assert note.level_db == pytest.approx(wanted.level_db, abs=0.1)


@pytest.mark.parametrize("header", [b"RIFF\x60\0\0\0RMIDdata\x4c\0\0\0", bytes(128)])
def test_files_in_the_header_of_another_format(path, header):
    content = saved(path, track(*melody())).read_bytes()
    path.write_bytes(header + content)
    (part,) = read_midi(path)
    assert [(note.onset_s, note.offset_s) for note in part.notes] == [(0.0, 0.5)]


def test_running_status_system_messages_and_a_tempo_inside_a_note(path):
    events = (
        b"\x00\x90\x3c\x64",  # Note 60 starts.
        b"\x00\xf0\x05\x7e\x7f\x09\x01\xf7",
        b"\x81\x70\xff\x51\x03\x0f\x42\x40",  # After 240 ticks, a second per beat.
        b"\x81\x70\x3c\x00",  # Running status: it ends.
        b"\x00\xff\x2f\x00",
    )
    body = b"".join(events)
    header = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0"
    path.write_bytes(header + b"MTrk" + len(body).to_bytes(4, "big") + body)
    (part,) = read_midi(path)
    assert [(note.onset_s, note.offset_s, note.midi) for note in part.notes] == [(0.0, 0.75, 60.0)]


def test_what_is_wrong_is_said(path):
    def refused(words):
        with pytest.raises(UserError, match=words) as caught:
            read_midi(path)
        assert "\n" not in str(caught.value) and "song.mid" in str(caught.value)

    refused("no such file")
    path.mkdir()
    refused("is a folder; expected a MIDI file")
    path.rmdir()
    path.write_bytes(b"RIFF....WAVE")
    refused("not a MIDI file, or damaged")
    path.write_bytes(b"")
    refused("not a MIDI file, or damaged")
    saved(path, track(*melody()))
    path.write_bytes(path.read_bytes()[:-6])
    refused("not a MIDI file, or damaged .it is incomplete")
    saved(path, track(*melody()), ticks_per_beat=0)
    refused("counts time in 0 ticks per beat")
    saved(path, track(*melody()), ticks_per_beat=-(25 << 8) + 40)
    refused("counts time in frames of film")
    saved(path, track((0, CONTROL, {"control": 7, "value": 64})))
    refused("holds no notes")
    saved(path, track(*melody(9)))
    refused("holds only drums")
    saved(path, track((0, ON, {"note": 60, "velocity": 0})))
    refused("holds no notes")
    saved(path, track((0, ON, {"note": 60, "velocity": 9}), (0, OFF, {"note": 60})))
    refused("notes without a length")
    saved(path, track((0, "set_tempo", {"tempo": 0}), *melody()))
    refused("sets a tempo of 0 microseconds a beat at tick 0")
    saved(path, track(*melody()), kind=2)
    refused("is of type 2; expected a single song")
    saved(path, track(*melody()), ticks_per_beat=-6360)
    refused("SMPTE")
    late = ((2**27, ON, {"note": 60, "velocity": 100}), (480, OFF, {"note": 60}))
    saved(path, track((0, "set_tempo", {"tempo": 2**24 - 1}), *late), ticks_per_beat=1)
    refused(r"lasts 6.26e\+05 hours; expected at most 4")
    # The times of events are numbers of any length.
    for length, words in ((500, "longer than any song"), (1 << 20, "a number in it does not end")):
        content = bytes([0xFF] * length) + b"\x00\x90\x3c\x40\x00\xff\x2f\x00"
        chunk = b"MTrk" + len(content).to_bytes(4, "big") + content
        path.write_bytes(b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0" + chunk)
        refused(words)
    path.write_bytes(bytes((4 << 20) + 1))
    refused("expected a MIDI file of at most 4 MiB")


def test_damaged_anywhere_it_is_read_or_refused(path, rng):
    whole = saved(path, track(*melody(), *melody(1))).read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        try:
            assert read_midi(path)
        except UserError as error:
            assert "\n" not in str(error)
