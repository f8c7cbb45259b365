"""A folder that has everything that commands and programs of the documentation name."""

import shutil

import mido
import pytest

from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.note_files import save_notes


@pytest.fixture
def workbench(melodies, tiny_dataset, tiny_run, tmp_path, monkeypatch):
    """The current folder: my_recordings, my_dataset, my_run, take1.wav, humming.wav, songs."""
    shutil.copytree(melodies, tmp_path / "my_recordings")
    for name in ("take1.wav", "humming.wav"):
        shutil.copy(melodies / "melody_0.wav", tmp_path / name)
    shutil.copytree(tiny_dataset, tmp_path / "my_dataset")
    for name in ("my_run", "my_violin", "my_cello", "demo/run"):
        shutil.copytree(tiny_run, tmp_path / name)
    save_notes(tmp_path / "song.mid", [Note(0.0, 0.5, 67.0)])
    duet = mido.MidiFile(tmp_path / "song.mid")
    duet.tracks.append(duet.tracks[0])
    duet.type = 1
    duet.save(tmp_path / "duet.mid")
    monkeypatch.chdir(tmp_path)
    return tmp_path
