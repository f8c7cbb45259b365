import runpy
import sys

import numpy as np
import pytest
from backends import tensorflow_only
from documents import ROOT

SCRIPT = ROOT / "docs" / "concept_pictures.py"


@pytest.fixture(scope="module")
def pictures():
    """The script's functions."""
    return runpy.run_path(str(SCRIPT))


@pytest.mark.slow
@tensorflow_only
def test_the_script_draws_every_picture_of_the_page(workbench, monkeypatch):
    image = pytest.importorskip("matplotlib.image")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "demo", "."])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    text = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    for name in ("controls.png", "loss_views.png", "loss_terms.png"):
        assert f"pictures/{name}" in text
        assert image.imread(workbench / name)[..., :3].std() > 0.05


@tensorflow_only
def test_mistakes_are_what_they_are_called(pictures, workbench):
    from ddsp_tf.inference.model_files import load_model

    model = load_model("demo/run")
    curves = {"f0_hz": np.full(100, 220.0), "loudness_db": np.full(100, -20.0)}
    right, wrong = pictures["mistakes"](model, curves)
    signals, _ = pictures["controls_and_signals"](model, curves)
    np.testing.assert_allclose(right[0], list(signals.values())[-1], atol=1e-5)
    np.testing.assert_allclose(wrong["no room"][0], signals["dry"], atol=1e-5)
    np.testing.assert_allclose(wrong["3 dB softer"], 10 ** (-3 / 20) * right, atol=1e-5)
    np.testing.assert_array_equal(wrong["10 ms late"][:, 160:], right[:, :-160])
    for name, audio in wrong.items():
        least = 1e-5 * np.abs(right).max()
        assert audio.shape == right.shape and np.abs(audio - right).max() > least, name
