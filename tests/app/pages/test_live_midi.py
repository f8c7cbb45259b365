"""MIDI files on the live page, read in Node: as the library reads them, and as curves."""

import mido
import numpy as np
import pytest
from live_browser import needs_node, parts

from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.midi_files import read_midi

pytestmark = [pytest.mark.slow, needs_node]

BEAT = 480
FRAME_RATE = 100  # of the instrument in parts.mjs


def written(path, *tracks, kind=1):
    """Writes a MIDI file of lists of (tick, type, values)."""
    midi = mido.MidiFile(type=kind, ticks_per_beat=BEAT)
    for events in tracks:
        track, now = mido.MidiTrack(), 0
        for tick, name, values in sorted(events, key=lambda event: event[0]):
            message = mido.MetaMessage if name in ("set_tempo", "track_name") else mido.Message
            track.append(message(name, time=tick - now, **values))
            now = tick
        midi.tracks.append(track)
    midi.save(path)
    return path


def note(onset, offset, key, velocity=100, channel=0):
    shared = {"note": key, "channel": channel}
    on = (round(onset * BEAT), "note_on", {**shared, "velocity": velocity})
    return [on, (round(offset * BEAT), "note_off", shared)]


def control(beat, number, value, channel=0):
    values = {"control": number, "value": value, "channel": channel}
    return [(round(beat * BEAT), "control_change", values)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("songs")


@pytest.fixture(scope="module")
def songs(folder):
    """A song of two players and drums, a melody, and files that cannot be played."""
    tempos = [(0, "set_tempo", {"tempo": 600_000}), (4 * BEAT, "set_tempo", {"tempo": 300_000})]
    wheel = [(tick, "pitchwheel", {"pitch": tick, "channel": 2}) for tick in (0, 700, 1500)]
    # The bend reaches an octave.
    wide = control(0, 101, 0, 2) + control(0, 100, 0, 2) + control(0, 6, 12, 2)
    solo = [(0, "track_name", {"name": "Solo"}), *wide, *wheel]
    for k, key in enumerate((60, 64, 62, 67, 65)):
        solo += note(1.5 * k, 1.5 * k + 1.2, key, 40 + 20 * k, channel=2)
    solo += control(1, 7, 100, 2) + control(2, 11, 64, 2) + control(3, 1, 127, 2)
    solo += control(5, 7, 50, 2) + control(5.5, 64, 127, 2) + control(5.9, 64, 0, 2)
    both = note(0, 1, 40, channel=0) + note(1, 2, 45, channel=1) + note(0, 4, 36, channel=9)
    lines = (
        note(0, 1, 69, 127),  # touches the next, which is higher
        note(1, 2, 72, 127),
        note(2, 3, 72, 127),  # repeated at once
        [*note(3.5, 4.5, 55), *note(3.5, 4.5, 59), *note(3.5, 4.5, 64)],  # a chord
    )
    melody = [event for line in lines for event in line]
    files = {
        "song": written(folder / "song.mid", tempos, solo, both),
        "melody": written(folder / "melody.mid", melody),
        "low": written(folder / "low.mid", note(0, 1, 33)),
        "drums": written(folder / "drums.mid", note(0, 1, 36, channel=9)),
        "tempo": written(folder / "tempo.mid", [(0, "set_tempo", {"tempo": 0})], note(0, 1, 60)),
        "long": written(folder / "long.mid", note(0, 8000, 60)),
        "several": written(folder / "several.mid", note(0, 1, 60), kind=2),
        "film": folder / "film.mid",
        "text": folder / "text.mid",
        "cut": folder / "cut.mid",
        "wrapped": folder / "wrapped.mid",
    }
    content = files["song"].read_bytes()
    files["film"].write_bytes(content[:12] + b"\xe7\x28" + content[14:])
    files["text"].write_text("A song")
    files["cut"].write_bytes(content[:60])
    files["wrapped"].write_bytes(b"RIFF....RMIDdata...." + files["melody"].read_bytes())
    return files


@pytest.fixture(scope="module")
def read(songs):
    return dict(zip(songs, parts(songs.values())["read"], strict=True))


def test_tracks_are_those_that_the_library_reads(songs, read):
    expected, found = read_midi(songs["song"]), read["song"]["tracks"]
    assert [track["name"] for track in found] == ["Solo", "Track 3", "Track 3"]
    assert [track["notes"] for track in found] == [len(part.notes) for part in expected]
    for part, track in zip(expected, found, strict=True):
        notes = track["melody"]
        # The pedal lengthens one of the notes.
        assert np.allclose([one["onset"] for one in notes], [one.onset_s for one in part.notes])
        assert np.allclose([one["offset"] for one in notes], [one.offset_s for one in part.notes])
        assert [one["midi"] for one in notes] == [one.midi for one in part.notes]
        levels = [40 * np.log10(one["velocity"]) for one in notes]
        assert np.allclose(levels, [one.level_db for one in part.notes])
        assert track["seconds"] == pytest.approx(part.end_s)


def test_a_file_in_the_header_of_another_format(read):
    assert read["wrapped"]["tracks"] == read["melody"]["tracks"]


def test_controllers_are_those_that_the_library_reads(songs, read):
    part, track = read_midi(songs["song"])[0], read["song"]["tracks"][0]
    for kind, value, steps in (
        ("gain", "decibels", part.gain_db),
        ("bend", "semitones", part.bend_semitones),
        ("modulation", "amount", part.modulation),
    ):
        found = [one for one in track["controls"] if one["gesture"]["kind"] == kind]
        assert len(found) == len(steps.times_s) > 0, kind
        assert np.allclose([one["time"] for one in found], steps.times_s), kind
        assert np.allclose([one["gesture"][value] for one in found], steps.values), kind


@pytest.mark.parametrize("name", ["song", "melody"])
def test_notes_are_described_as_the_expression_was_taught(read, name):
    melody, levels = read[name]["tracks"][0]["melody"], read[name]["levels"]
    notes = [
        Note(one["onset"], one["offset"], one["midi"], level)
        for one, level in zip(melody, levels, strict=True)
    ]
    found = np.array(read[name]["described"]).T
    assert np.allclose(found, note_curves(notes, FRAME_RATE, len(found)), atol=1e-5)


def test_a_melody_becomes_curves(read):
    curves = read["melody"]["curves"]
    midi = 69 + 12 * np.log2(np.array(curves["f0"]) / 440)
    # JSON has no NaN: silence is null.
    level = np.array([np.nan if one is None else one for one in curves["level"]])
    beats = (np.arange(midi.size) / FRAME_RATE) / 0.5
    within = lambda first, end: (beats > first) & (beats < end)  # noqa: E731
    assert np.allclose(midi[within(0, 1)], 69) and np.allclose(
        midi[within(1.3, 2.8)], 72, atol=0.01
    )
    assert not np.isnan(level[within(0, 3)]).any()
    assert level[within(0.9, 1.1)].min() > -1, "legato: no new attack where notes touch"
    assert level[within(1.8, 2.1)].min() < -10, "a repeated note begins again"
    assert np.isnan(level[within(3.45, 3.49)]).all()
    assert np.allclose(midi[within(3.55, 4.4)], 64), "of a chord the highest note"
    age = np.array(curves["age"])
    assert age[within(0.9, 1)][0] == pytest.approx(0.46, abs=0.02)
    assert np.isnan(level[-1])


def test_a_melody_that_is_too_low_is_moved_by_octaves(read):
    # The instrument in parts.mjs is at home from G3 to G5.
    assert read["melody"]["octaves"] == 0 and read["low"]["octaves"] == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("drums", "holds no notes, or only drums"),
        ("tempo", "sets a tempo of 0"),
        ("long", "lasts 67 minutes; at most 60 fit"),
        ("several", "holds several songs"),
        ("film", "counts frames of film"),
        ("text", "is no MIDI file, or is damaged"),
        ("cut", "is no MIDI file, or is damaged"),
    ],
)
def test_what_cannot_be_played_is_said(read, name, expected):
    assert expected in read[name]["trouble"]
