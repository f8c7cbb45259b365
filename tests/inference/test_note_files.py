"""Notes come back from the files they are written to, as another program reads them."""

import csv

import mido
import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.note_files import holds_notes, read_notes, save_notes

NOTES = [
    Note(0.5, 1.25, 69.1, -20.0, 0.9),
    Note(1.25, 1.5, 70.96, -8.0, 1.0),
    Note(1.75, 2.0, 71.0, -60.0, 0.7),
]


def messages_of(path):
    """Messages with their times in seconds."""
    now, found = 0.0, []
    for message in mido.MidiFile(path):
        now += message.time
        found.append((round(now, 3), message))
    return found


def test_midi_holds_times_keys_and_velocities(tmp_path):
    save_notes(tmp_path / "a.mid", NOTES)
    played = [
        (time, message.type, message.note)
        for time, message in messages_of(tmp_path / "a.mid")
        if message.type.startswith("note")
    ]
    assert played == [
        (0.5, "note_on", 69),
        (1.25, "note_off", 69),
        (1.25, "note_on", 71),
        (1.5, "note_off", 71),
        (1.75, "note_on", 71),
        (2.0, "note_off", 71),
    ]
    on = [m.velocity for _, m in messages_of(tmp_path / "a.mid") if m.type == "note_on"]
    # 12 dB below the loudest: half the velocity. 52 dB below: 127 / 10 ** 1.3.
    assert on == [64, 127, 6]


def test_pitch_bend_follows_the_pitch(tmp_path):
    f0_hz = np.full(200, 440.0 * 2.0 ** (1.0 / 12.0))
    f0_hz[150:] = 0.0
    save_notes(tmp_path / "a.midi", NOTES, f0_hz, 100)
    found = messages_of(tmp_path / "a.midi")
    bends = [(time, m.pitch) for time, m in found if m.type == "pitchwheel"]
    # A semitone above the key 69, and a semitone below 71, of two semitones.
    assert bends == [(0.5, 4096), (1.25, -4096)]
    controls = [(m.control, m.value) for _, m in found if m.type == "control_change"]
    assert controls == [(101, 0), (100, 0), (6, 2), (38, 0)]


def test_csv_holds_cents(tmp_path):
    save_notes(tmp_path / "a.csv", NOTES)
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "onset_s": "1.250",
        "offset_s": "1.500",
        "midi": "71",
        "cents": "-4",
        "level_db": "-8.0",
        "confidence": "1.00",
    }


def test_notes_come_back_from_a_table(tmp_path):
    save_notes(tmp_path / "a.csv", NOTES)
    (part,) = read_notes(tmp_path / "a.csv")
    for note, wanted in zip(part.notes, NOTES, strict=True):
        assert (note.onset_s, note.offset_s) == (wanted.onset_s, wanted.offset_s)
        assert note.midi == pytest.approx(wanted.midi, abs=0.005)
        # The loudest is 0 dB.
        assert note.level_db == pytest.approx(wanted.level_db + 8.0)


def test_a_table_may_come_from_a_spreadsheet(tmp_path):
    table = "Onset_s;Offset_s;MIDI\r\n1,5;2;62,5\r\n;;\r\n0;1,5;60\r\n"
    (tmp_path / "a.CSV").write_text(table, encoding="utf-16")
    assert holds_notes(tmp_path / "a.CSV")
    (part,) = read_notes(tmp_path / "a.CSV")
    assert [(n.onset_s, n.offset_s, n.midi, n.level_db) for n in part.notes] == [
        (0.0, 1.5, 60.0, 0.0),
        (1.5, 2.0, 62.5, 0.0),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time_s,f0_hz\n0,440\n", "the first column is not onset_s; expected onset_s, offset_s"),
        ("onset_s,midi\n0,60\n", "has no column offset_s; expected onset_s, offset_s and midi"),
        ("onset_s,offset_s,midi\n", "holds no notes; expected a row for each"),
        ("onset_s,offset_s,midi\n0,1,\n", "note 0: midi is nan; expected a number"),
        ("onset_s,offset_s,midi\n0,1,A4\n", "row 2, midi is 'A4'; expected a number"),
        ("onset_s,offset_s,midi\n1,1,60\n", "note 0: from 1 s to 1 s; expected an end after"),
        (
            "onset_s,offset_s,midi,level_db\n0,1,60,inf\n",
            "note 0: level_db is inf; expected a number",
        ),
        ("onset_s,offset_s,midi\n" + "0" * (4 << 20), "bytes; expected .* at most 4 MiB"),
    ],
)
def test_a_wrong_table_is_named(text, words, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UserError, match=rf"a\.csv: .*{words}"):
        read_notes(tmp_path / "a.csv")


def test_no_notes_make_an_empty_file(tmp_path):
    save_notes(tmp_path / "a.mid", [])
    assert not [m for _, m in messages_of(tmp_path / "a.mid") if m.type == "note_on"]


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.xml: found the suffix '.xml'; expected \.mid"):
        save_notes(tmp_path / "a.xml", NOTES)
    assert not list(tmp_path.iterdir())


def test_notes_without_a_number_are_refused(tmp_path):
    with pytest.raises(UserError, match="note 0: midi is nan; expected a number"):
        save_notes(tmp_path / "a.mid", [Note(0.0, 1.0, float("nan"))])
    with pytest.raises(UserError, match="frame_rate is None"):
        save_notes(tmp_path / "a.mid", NOTES, np.full(10, 440.0))
    assert not list(tmp_path.iterdir())


def test_frames_without_a_pitch_bend_nothing(tmp_path):
    pitch = {"all.mid": np.full(100, 450.0), "some.mid": np.full(100, 450.0)}
    pitch["some.mid"][40:60] = np.nan
    for name, f0_hz in pitch.items():
        save_notes(tmp_path / name, [Note(0.0, 1.0, 69.0)], f0_hz, 100.0)
    first, second = (mido.MidiFile(tmp_path / name).tracks[0] for name in pitch)
    assert first == second
    with pytest.raises(UserError, match=r"f0_hz has the shape \[2, 3\].*expected \[frames\]"):
        save_notes(tmp_path / "a.mid", [Note(0.0, 1.0, 69.0)], np.ones((2, 3)), 100.0)
