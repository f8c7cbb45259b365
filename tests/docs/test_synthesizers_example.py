import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from backends import tensorflow_only

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def run_example(name, out, monkeypatch):
    """Runs a script as a user would; returns its globals."""
    script = EXAMPLES / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(out)])
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return runpy.run_path(str(script), run_name="__main__")


@tensorflow_only
def test_the_example_draws_every_synthesizer(tmp_path, monkeypatch):
    image = pytest.importorskip("matplotlib.image")
    out = tmp_path / "synthesizers.png"
    example = run_example("synthesizers", out, monkeypatch)
    for name in ("harmonic", "inharmonic", "sinusoidal", "wavetable", "filtered_noise"):
        audio = np.asarray(example[name]())
        assert audio.shape == (1, 32000) and 0.1 < np.abs(audio).max() < 2.0, name
    assert image.imread(out).std() > 0.05


@tensorflow_only
def test_the_example_of_a_graph_streams_what_it_renders(tmp_path, monkeypatch, capsys):
    image = pytest.importorskip("matplotlib.image")
    out = tmp_path / "processor_graph.png"
    example = run_example("processor_graph", out, monkeypatch)
    difference = float(capsys.readouterr().out.split()[-1])
    assert 0.0 < difference < 2e-5
    assert [node.name for node in example["group"].processors][-1] == "output"
    assert image.imread(out).std() > 0.05
