"""`ddsp-tf prepare` from outside."""

import os
import shutil
import sys

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from ddsp_tf.app.cli import main
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.inference.feature_files import save_features


def call(*arguments):
    return CliRunner().invoke(main, ["-v", *map(str, arguments)])


def test_prepare_writes_a_dataset_and_its_page(melodies, tmp_path):
    out = tmp_path / "d"
    result = call("prepare", melodies, "--out", out, "--config", "demo", "--jobs", 2)
    assert result.exit_code == 0, result.output
    assert (out / "dataset.html").is_file()
    assert "dataset.html" in result.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


def test_options_reach_the_dataset(melodies, tmp_path):
    rules = ["--silence", "skip", "--silence-db", "-50", "--normalize", "peak"]
    rules += ["--channel", "left"]
    result = call("prepare", melodies, "--out", tmp_path / "d", "--config", "demo", *rules)
    assert result.exit_code == 0, result.output
    made = load_manifest(tmp_path / "d")
    assert made.rules == {
        "silence": "skip",
        "silence_db": -50.0,
        "normalize": "peak",
        "channel": "left",
    }
    assert all(recording.gain_db for recording in made.recordings)
    assert "normalized by peak" in call("info", tmp_path / "d").stdout


def test_flags_are_said(melodies, tmp_path):
    sound, rate = soundfile.read(melodies / "melody_0.wav")
    soundfile.write(tmp_path / "loud.wav", np.clip(30 * sound, -1, 1), rate)
    result = call("prepare", tmp_path / "loud.wav", "--out", tmp_path / "d", "--config", "demo")
    assert "look at loud.wav: clipped: " in result.stderr
    assert "1 of the files" in result.stdout


def test_what_is_not_used_and_lower_rates_are_said(melodies, tmp_path):
    (tmp_path / "rec").mkdir()
    shutil.copy(melodies / "melody_0.wav", tmp_path / "rec")
    sound, _ = soundfile.read(melodies / "melody_1.wav")
    soundfile.write(tmp_path / "rec" / "old.wav", sound, 8000)
    (tmp_path / "rec" / "voice.amr").touch()
    (tmp_path / "rec" / "text.wav").write_text("a shopping list")
    result = call("prepare", tmp_path / "rec", "--out", tmp_path / "d", "--config", "demo")
    assert result.exit_code == 0, result.output
    assert "1 file is not read (voice.amr); convert them to .wav or .flac" in result.stderr
    assert "1 of 2 recordings have a lower sample rate (down to 8000 Hz) than" in result.stderr
    assert "skipped text.wav: cannot be read as audio" in result.stderr
    assert "1 of 3 recordings skipped" in result.stderr


def test_features_of_one_channel(melodies, tmp_path):
    sound, rate = soundfile.read(melodies / "melody_0.wav")
    soundfile.write(tmp_path / "a.wav", np.stack([sound, -sound], 1), rate)
    arguments = ["features", tmp_path / "a.wav", tmp_path / "a.npz", "--config", "demo"]
    result = call(*arguments)
    assert result.exit_code == 2 and "--channel left" in result.stderr
    assert call(*arguments, "--channel", "left").exit_code == 0
    assert (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--silence-db", "5"], "silence_db is 5.0"),
        (["--beam-folder", "x"], "need --runner"),
        (["--runner", "DirectRunner"], "pip install ddsp-tf[beam]"),
        (["--jobs", "0"], "--jobs"),
        (["--normalize", "lufs"], "--normalize"),
    ],
)
def test_wrong_options_are_refused(arguments, word, melodies, tmp_path, monkeypatch):
    for name in ("apache_beam", "apache_beam.runners.runner"):
        monkeypatch.setitem(sys.modules, name, None)
    result = call("prepare", melodies, "--out", tmp_path / "d", "--config", "demo", *arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert not list(tmp_path.iterdir())


def test_names_with_leading_dashes_come_after_two_dashes(melodies, tmp_path, monkeypatch):
    (tmp_path / "-o.wav").write_bytes((melodies / "melody_0.wav").read_bytes())
    monkeypatch.chdir(tmp_path)
    result = call("prepare", "--out", "-d", "--config", "demo", "--", "-o.wav")
    assert result.exit_code == 0, result.output
    assert sorted(os.listdir()) == ["-d", "-o.wav"]


def test_features_do_not_replace_the_recording(melodies, tmp_path):
    recording = tmp_path / "take.npz"
    recording.write_bytes((melodies / "melody_0.wav").read_bytes())
    before = recording.read_bytes()
    result = call("features", recording, recording, "--config", "demo")
    assert result.exit_code == 2 and "take.npz" in result.stderr
    assert recording.read_bytes() == before


def test_suffixes_are_checked_before_anything_is_measured(tmp_path):
    result = call("features", tmp_path / "absent.wav", tmp_path / "a.txt", "--config", "demo")
    assert result.exit_code == 2 and "found the suffix '.txt'" in result.stderr


def test_notes_of_a_recording_and_of_its_features(melodies, tmp_path):
    recording, made = melodies / "melody_0.wav", tmp_path / "a.npz"
    result = call("notes", recording, tmp_path / "a.mid", "--config", "demo", "--pitch-bend")
    assert result.exit_code == 0, result.stderr
    keys = [m.note for m in mido.MidiFile(tmp_path / "a.mid") if m.type == "note_on"]
    assert f"{len(keys)} notes, MIDI {min(keys)} to {max(keys)}" in result.stdout
    assert call("features", recording, made, "--config", "demo").exit_code == 0
    assert call("notes", made, tmp_path / "a.csv").exit_code == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) > 1


def test_options_of_notes_that_would_do_nothing(melodies, tmp_path):
    result = call("notes", melodies / "melody_0.wav", tmp_path / "a.csv", "--pitch-bend")
    assert "--pitch-bend needs a .mid file" in result.stderr
    curves = {name: np.full(10, 200.0, np.float32) for name in ("f0_hz", "loudness_db")}
    save_features(tmp_path / "f.npz", curves, 100)
    result = call("notes", tmp_path / "f.npz", tmp_path / "a.mid", "--channel", "left")
    assert "--channel needs a recording" in result.stderr and result.exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["features", "{wav}", "{out}.npz", "--config", "demo"],
        ["notes", "{wav}", "{out}.mid", "--config", "demo"],
        ["synthesize", "bundled:demo_violin", "{wav}", "{out}.wav"],
    ],
)
def test_a_recording_shorter_than_a_frame_is_named(arguments, tmp_path):
    path = tmp_path / "tick.wav"
    soundfile.write(path, np.ones(159), 16000)
    result = call(*(part.format(wav=path, out=tmp_path / "out") for part in arguments))
    assert result.exit_code == 2, result.output
    assert "tick.wav: lasts 0.00994 s; expected at least 0.01 s" in result.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_without_notes_gives_no_file(tmp_path):
    soundfile.write(tmp_path / "hiss.wav", np.zeros(16000), 16000)
    result = call("notes", tmp_path / "hiss.wav", tmp_path / "a.mid", "--config", "demo")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith(
        "hiss.wav: no note was found; expected a recording of one instrument or voice"
    )
    assert not (tmp_path / "a.mid").exists()
