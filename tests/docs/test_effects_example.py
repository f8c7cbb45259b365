import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from backends import tensorflow_only

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "effects.py"


@pytest.mark.slow
@tensorflow_only
def test_the_example_draws_every_effect(tmp_path, monkeypatch):
    image = pytest.importorskip("matplotlib.image")
    out = tmp_path / "effects.png"
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(out)])
    monkeypatch.setenv("MPLBACKEND", "Agg")
    sounds = runpy.run_path(str(SCRIPT), run_name="__main__")["render"]()
    assert len(sounds) == 8
    for title, audio in sounds.items():
        assert audio.shape == (32000,) and np.all(np.isfinite(audio)), title
        assert 0.1 < np.abs(audio).max() < 4.0, title
    assert image.imread(out).std() > 0.05
