"""`ddsp-tf synthesize` plays MIDI files and tables of notes."""

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from ddsp_tf.app.cli import main
from ddsp_tf.app.tracks import choose_tracks
from ddsp_tf.expression.parts import Part
from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.note_files import save_notes

SCALE = [Note(0.5 * k, 0.5 * k + 0.45, 67.0 + k) for k in range(4)]


def call(*arguments):
    return CliRunner().invoke(main, ["-v", "synthesize", *map(str, arguments)])


@pytest.fixture
def song(tmp_path):
    save_notes(tmp_path / "song.mid", SCALE)
    return tmp_path / "song.mid"


@pytest.fixture
def duet(tmp_path):
    """A file of two tracks, a fifth apart."""
    tracks = []
    for key, name in ((67, "upper"), (60, "lower")):
        notes = [mido.MetaMessage("track_name", name=name)]
        for _ in range(2):
            notes.append(mido.Message("note_on", note=key, velocity=90, time=0))
            notes.append(mido.Message("note_off", note=key, time=480))
        tracks.append(mido.MidiTrack(notes))
    mido.MidiFile(type=1, tracks=tracks).save(tmp_path / "duet.mid")
    return tmp_path / "duet.mid"


def test_a_table_of_notes_through_a_bundled_model(tmp_path):
    save_notes(tmp_path / "song.csv", SCALE)
    result = call("bundled:violin", tmp_path / "song.csv", tmp_path / "o.wav", "--vibrato", 20)
    assert result.exit_code == 0, result.stderr
    assert "o.wav: 3.0 s at 16000 Hz" in result.stdout and "warning" not in result.stderr
    audio, _ = soundfile.read(tmp_path / "o.wav")
    assert np.abs(audio[:30000]).max() > 0.05 and np.abs(audio[-4000:]).max() < 0.01


def test_expression_is_the_players_unless_it_is_turned_off(song, tmp_path):
    def played(*options):
        result = call("bundled:violin", song, tmp_path / "o.wav", *options)
        assert result.exit_code == 0, result.stderr
        return soundfile.read(tmp_path / "o.wav")[0]

    shaped, flat = played(), played("--expression", 0)
    assert np.abs(shaped - flat).max() > 0.05
    borrowed = played("--expression-of", "bundled:violin")
    np.testing.assert_array_equal(borrowed, shaped)


def test_tracks_are_chosen_and_mixed(duet, tmp_path):
    result = call("bundled:violin", duet, tmp_path / "a.wav", "--expression", 0)
    assert result.exit_code == 0, result.stderr
    assert "track 0 is played; there are 0 (upper, 2 notes), 1 (lower, 2 notes)" in result.stderr
    tracks = ("--track", "0", "--track", "1=bundled:violin", "--expression", 0)
    result = call("bundled:violin", duet, tmp_path / "b.wav", *tracks)
    assert result.exit_code == 0 and "note:" not in result.stderr, result.stderr
    one, both = (soundfile.read(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert one.shape == both.shape

    def level(audio, hz):
        return np.abs(np.exp(-2j * np.pi * hz / 16000 * np.arange(8000)) @ audio[4000:12000])

    assert level(both, 261.6) > 10.0 * level(one, 261.6)


def test_of_many_tracks_the_first_are_listed():
    notes = []
    chosen = choose_tracks("song.mid", [Part("", ())] * 20, [], "bundled:violin", notes.append)
    assert notes[0].endswith("14 (no name, 0 notes), 15 (no name, 0 notes), 4 more")
    assert [part.name for part, _ in chosen] == ["0"]


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("duet", ["--track", "2"], ["'2'", "0 (upper, 2 notes), 1 (lower, 2 notes)"]),
        ("duet", ["--track", "x=bundled:violin"], ["'x=bundled:violin'"]),
        ("duet", ["--track", "0", "--track", "0"], ["track 0", "named twice"]),
        ("duet", ["--track", "0=bundled:kazoo"], ["kazoo", "violin"]),
        ("duet", ["--track", "9" * 5000], ["expected a number among 0 (upper"]),
        ("chord", ["--chords", "error"], ["chord.mid: track '0': two notes at once"]),
        ("song", ["--transfer"], ["--transfer", "found notes"]),
        ("song", ["--expression", "1.6"], ["--expression", "1.5"]),
        ("song", ["--expression-of", "."], ["has no expression", "expression.npz"]),
        ("song", ["--octaves", "1"], ["--octaves needs --transfer"]),
        ("flute", ["--track", "0"], ["--track needs notes, in a .mid file"]),
        ("flute", ["--vibrato", "10"], ["--vibrato needs notes"]),
        ("broken", [], ["broken.mid", "not a MIDI file"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(source, options, words, song, duet, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd, or not")
    save_notes(tmp_path / "chord.mid", [Note(0.0, 1.0, key) for key in (60.0, 64.0)])
    source = "bundled:flute" if source == "flute" else tmp_path / f"{source}.mid"
    result = call("bundled:violin", source, tmp_path / "o.wav", *options)
    assert result.exit_code == 2, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ") and all(word in last for word in words), last
    assert not (tmp_path / "o.wav").exists()
