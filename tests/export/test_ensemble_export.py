"""Exported models of several instruments."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_models import NAMES, make_ensemble

from ddsp_tf.errors import UserError
from ddsp_tf.export.exporter import export_model
from ddsp_tf.files.export_description import read_description
from ddsp_tf.inference.feature_files import save_features
from ddsp_tf.inference.playing import load_player
from ddsp_tf.inference.rendering import synthesize

pytestmark = pytest.mark.slow

RUNNERS = Path(__file__).parents[2] / "export"
CURVES = {"f0_hz": np.full(40, 330.0), "loudness_db": np.linspace(-40.0, -20.0, 40)}


@pytest.fixture(scope="module")
def model():
    return make_ensemble()


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble") / "export"
    export_model(model, folder, ["float32"])
    return folder


def played(model, curves=CURVES):
    return np.concatenate(list(synthesize(model, curves)))


def test_it_plays_its_instruments_by_name(model, export):
    description = read_description(export)
    assert description.instruments == list(NAMES) and "vst" in description.not_written
    for instrument in (None, "tuba", {"cello": 3.0, "tuba": 1.0}):
        player, _ = load_player(export, instrument)
        assert player.vector_sizes == {"instrument": 3}
        np.testing.assert_allclose(played(player), played(model.solo(instrument)), atol=1e-4)
    moving = {**CURVES, "instrument": np.linspace([1, 0, 0], [0, 1, 0], 40)}
    np.testing.assert_allclose(played(player, moving), played(model, moving), atol=1e-4)
    with pytest.raises(UserError, match="export: instrument 'oboe': expected one of cello, alto_s"):
        load_player(export, "oboe")


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_runners_play_its_instruments_by_name(runner, model, export, tmp_path, monkeypatch):
    features, out = tmp_path / "curves.npz", tmp_path / "out.wav"
    save_features(features, {k: np.float32(v) for k, v in CURVES.items()}, model.frame_rate)

    def run(*options):
        arguments = [str(RUNNERS / runner), str(export), str(features), str(out), *options]
        monkeypatch.setattr(sys, "argv", arguments)
        runpy.run_path(arguments[0], run_name="__main__")
        return soundfile.read(out)[0]

    # The noise has other seeds here and there: levels are compared, clipped as in the file.
    for name in ("cello", "tuba"):
        expected = np.sqrt(np.mean(np.clip(played(model.solo(name)), -1.0, 1.0) ** 2))
        assert np.sqrt(np.mean(run("--instrument", name) ** 2)) == pytest.approx(expected, rel=0.1)
    with pytest.raises(SystemExit, match=re.escape("--instrument oboe: expected one of cello, al")):
        run("--instrument", "oboe")
