"""The example of docs/notes.md plays four voices, together and without clipping."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import tensorflow_only

from ddsp_tf.inference.midi_files import read_midi

FOLDER = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def song(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import song

    return song


def test_voices_end_together_and_their_notes_are_in_range(song):
    from ddsp_tf.inference.bundled import instrument
    from ddsp_tf.inference.playing import load_ranges
    from ddsp_tf.inference.songs import note_range

    for name, voice in song.VOICES.items():
        assert sum(beats for _, beats in voice) == 32, name
        lowest, highest = note_range(load_ranges(instrument(name)))
        assert all(lowest <= key <= highest for key, _ in voice), name


@pytest.mark.slow
@tensorflow_only
def test_the_example_plays_its_song(song, tmp_path, monkeypatch):
    short = {name: voice[:3] for name, voice in song.VOICES.items()}
    monkeypatch.setattr(song, "VOICES", short)
    monkeypatch.setattr(sys, "argv", ["song.py", str(tmp_path)])
    song.main()
    parts = read_midi(tmp_path / "song.mid")
    assert [part.name for part in parts] == list(short)
    for part in parts:
        assert [(note.midi) for note in part.notes] == [key for key, _ in short[part.name]]
    assert len({float(part.gain_db.at(np.array(0.0))) for part in parts}) == 4
    sounds = [soundfile.read(tmp_path / f"song_{name}.flac")[0] for name in ("plain", "expression")]
    assert sounds[0].shape == sounds[1].shape and np.abs(sounds[0] - sounds[1]).max() > 0.05
    assert all(0.1 < np.abs(sound).max() < 0.99 for sound in sounds)
    assert (tmp_path / "song.png").read_bytes().startswith(b"\x89PNG")
