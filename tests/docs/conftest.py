"""A folder that has everything that commands and programs of the documentation name."""

import shutil

import pytest


@pytest.fixture
def workbench(melodies, tiny_dataset, tiny_run, tmp_path, monkeypatch):
    """The current folder: my_recordings, my_dataset, my_run, take1.wav, humming.wav."""
    shutil.copytree(melodies, tmp_path / "my_recordings")
    for name in ("take1.wav", "humming.wav"):
        shutil.copy(melodies / "melody_0.wav", tmp_path / name)
    shutil.copytree(tiny_dataset, tmp_path / "my_dataset")
    for name in ("my_run", "my_violin", "demo/run"):
        shutil.copytree(tiny_run, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path
