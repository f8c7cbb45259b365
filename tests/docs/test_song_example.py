import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import tensorflow_only

from ddsp_tf.inference.midi_files import read_midi

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "song.py"


@pytest.mark.slow
@tensorflow_only
def test_the_example_plays_its_melody(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path)])
    melody = runpy.run_path(str(SCRIPT), run_name="__main__")["melody"]()
    (part,) = read_midi(tmp_path / "song.mid")
    assert [note.midi for note in part.notes] == [note.midi for note in melody]
    sounds = [soundfile.read(tmp_path / f"song_{name}.flac")[0] for name in ("plain", "expression")]
    assert sounds[0].shape == sounds[1].shape and np.abs(sounds[0] - sounds[1]).max() > 0.05
    assert (tmp_path / "song.png").read_bytes().startswith(b"\x89PNG")
