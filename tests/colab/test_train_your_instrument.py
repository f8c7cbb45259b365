"""The notebook that trains, executed on a fresh kernel; what it hands out plays."""

import json
import zipfile

import numpy as np
import pytest
from backends import tensorflow_only
from notebook_checks import check_pictures, check_sounds
from notebook_runs import run_notebook, sounds, text

pytestmark = [tensorflow_only, pytest.mark.long]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    # The model with the most formats.
    return run_notebook("train_your_instrument.ipynb", folder, {"model": "vst"}), folder


def test_it_shows_recordings_training_and_results(executed):
    notebook, folder = executed
    check_sounds(notebook, {"prepare": 1, "train": 2, "play": 2, "notes": 1})
    assert len(sounds(notebook, "evaluate")) == 4
    check_pictures(notebook, {"prepare": 2, "train": 1, "evaluate": 4})
    assert "Recordings: 1 used, 0 skipped" in text(notebook, "prepare")
    assert "Spectral loss:" in text(notebook, "evaluate")
    assert (folder / "my_instrument" / "run" / "report.html").stat().st_size > 100_000


def test_the_archive_holds_every_format_and_plays(executed, tmp_path):
    from ddsp_tf import load_player, load_ranges, synthesize
    from ddsp_tf.app import notebook

    _, folder = executed
    archive = folder / "my_instrument.zip"
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
    for name in (
        "vst/my_instrument/my_instrument.tflite",
        "offline.tflite",
        "stream.tflite",
        "model.json",
    ):
        assert f"my_instrument/export/{name}" in names
    # The recording is dry, so there is no room to export.
    assert "my_instrument/export/ir.wav" not in names
    assert "my_instrument/export/saved_model/saved_model.pb" in names
    assert {"my_instrument/run/report.html", "my_instrument/run/best.keras"} <= names
    assert not any("/dataset/" in name or "/checkpoints/" in name for name in names)

    model = notebook.choose_model(str(archive), tmp_path)
    assert model == tmp_path / "my_instrument" / "my_instrument" / "run"
    player, _ = load_player(model)
    assert player.feature_names == ("f0_hz", "power_db") and load_ranges(model)["f0_midi"]["mean"]
    curves = {"f0_hz": np.full(50, 440.0), "power_db": np.full(50, -20.0)}
    assert sum(map(len, synthesize(player, curves))) == 16000


def test_every_exported_file_agreed_with_the_model(executed):
    _, folder = executed
    facts = json.loads((folder / "my_instrument" / "export" / "model.json").read_text())
    assert facts["not_written"] == {}
    assert all(one["largest_difference"] < 1e-4 for one in facts["artifacts"].values())
