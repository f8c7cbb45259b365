"""The commands one after the other, as a user calls them, on small data."""

import json
import re
import shutil

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from ddsp_tf.app.cli import main
from ddsp_tf.backend import placement
from ddsp_tf.export import exporter
from ddsp_tf.inference.feature_files import load_features

pytestmark = pytest.mark.slow


def call(*arguments):
    result = CliRunner().invoke(main, ["-v", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def chain(melodies, tiny_overrides, tmp_path_factory):
    """The arguments of `ddsp-tf run`, run once."""
    out = tmp_path_factory.mktemp("chain") / "out"
    settings = [item for override in tiny_overrides for item in ("--set", override)]
    arguments = ["run", melodies, "--out", out, "--config", "demo", *settings]
    call(*arguments)
    return arguments, out


def test_run_makes_everything(chain):
    _, out = chain
    for name in (
        "dataset/dataset.json",
        "run/best.keras",
        "run/evaluation.json",
        "run/report.html",
        "export/model.json",
        "export/offline.tflite",
        "export/stream.tflite",
        "export/saved_model/saved_model.pb",
        "export/ir.wav",
    ):
        assert (out / name).is_file(), name
    evaluation = json.loads((out / "run" / "evaluation.json").read_text())
    summary = evaluation["summary"]
    assert summary["spectral_loss"] == pytest.approx(
        sum(value for name, value in summary.items() if name[-1].isdigit()), rel=1e-5
    )
    assert {"loudness_l1_db", "f0_l1_semitones", "f0_outlier_share"} <= set(summary)
    assert evaluation["clips"] == len(evaluation["per_clip"]) > 0


def test_run_again_does_nothing_again(chain):
    arguments, out = chain
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    result = call(*arguments)
    for stage in ("dataset", "training", "evaluation", "export"):
        assert f"{stage}: up to date" in result.stderr
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_run_does_again_what_no_longer_matches(chain, tmp_path):
    arguments, out = chain
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    changed = [copy if argument == out else argument for argument in arguments]
    result = call(*changed, "--set", "train.learning_rate=0.01")
    assert "dataset: up to date" in result.stderr
    for stage in ("training", "evaluation", "export"):
        assert f"{stage}: up to date" not in result.stderr


def test_beside_a_gpu_a_second_process_exports_the_same(chain, tmp_path, monkeypatch):
    arguments, out = chain
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    shutil.rmtree(copy / "export")
    (copy / "run" / "evaluation.json").unlink()
    monkeypatch.setattr(placement, "has_accelerator", lambda: True)
    # This process would fail.
    monkeypatch.setattr(exporter, "export_model", None)
    call(*[copy if argument == out else argument for argument in arguments])
    # Names of layers, which depend on what a process did before, differ in the files.
    before, after = (json.loads((one / "export/model.json").read_text()) for one in (out, copy))
    differences = [
        {name: artifact["largest_difference"] for name, artifact in one["artifacts"].items()}
        for one in (before, after)
    ]
    assert differences[0] == differences[1]
    assert before["files"].keys() == after["files"].keys()


@pytest.mark.parametrize(
    ("name", "stage"),
    [("run/evaluation.json", "evaluation"), ("export/model.json", "export")],
)
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_cut_result_is_made_again(chain, tmp_path, name, stage, kept):
    arguments, out = chain
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[: int(kept * (len(whole) - 1))])
    result = call(*[copy if argument == out else argument for argument in arguments])
    assert f"{stage}: up to date" not in result.stderr
    assert "training: up to date" in result.stderr
    assert json.loads((copy / name).read_text()).keys() == json.loads(whole).keys()


def test_test_recordings_are_evaluated(chain, melodies, tmp_path):
    arguments, out = chain
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    changed = [copy if argument == out else argument for argument in arguments]
    result = call(*changed, "--test", melodies / "melody_0.wav")
    assert "training: up to date" in result.stderr
    evaluation = json.loads((copy / "run" / "evaluation.json").read_text())
    assert all(clip["name"].startswith("melody_0.wav") for clip in evaluation["per_clip"])


def test_features_and_synthesize(chain, melodies, tmp_path):
    _, out = chain
    wav = melodies / "melody_1.wav"
    call("features", wav, tmp_path / "f.npz", "--config", "demo")
    curves, frame_rate = load_features(tmp_path / "f.npz")
    assert frame_rate == 100 and curves["f0_hz"].shape == (400,)
    played = {}
    for name, model, source in (
        ("run", out / "run", tmp_path / "f.npz"),
        ("export", out / "export", tmp_path / "f.npz"),
        ("keras", out / "run" / "best.keras", wav),
    ):
        call("synthesize", model, source, tmp_path / f"{name}.wav")
        played[name], rate = soundfile.read(tmp_path / f"{name}.wav")
        assert rate == 16000 and played[name].shape == (64000,)
    np.testing.assert_allclose(played["export"], played["run"], atol=2e-4)
    np.testing.assert_allclose(played["keras"], played["run"], atol=2e-4)


def test_features_of_another_frame_rate_are_brought_to_the_models(chain, melodies, tmp_path):
    _, out = chain
    call("features", melodies / "melody_1.wav", tmp_path / "f.csv", "--config", "vst")
    call("synthesize", out / "run", tmp_path / "f.csv", tmp_path / "o.wav")
    played, rate = soundfile.read(tmp_path / "o.wav")
    assert abs(len(played) - 4 * rate) <= 0.02 * rate


@pytest.mark.parametrize("kind", ["run", "export"])
def test_a_drawing_is_fitted_to_the_model(chain, tmp_path, kind):
    _, out = chain
    drawn = tmp_path / "drawn.csv"
    drawn.write_text("time,f0_hz,loudness_db\n0,3000,-60\n0.5,3500,-50\n1,0,-80\n1.5,0,-80\n")
    result = call("synthesize", out / kind, drawn, tmp_path / "o.wav", "--transfer")
    assert "pitch moved by -" in result.stderr
    played, rate = soundfile.read(tmp_path / "o.wav")
    assert len(played) / rate == pytest.approx(1.51)
    up = ["--transfer", "--octaves", "1", "--pitch-correction", "0.5"]
    result = call("synthesize", out / kind, drawn, tmp_path / "up.wav", *up)
    assert "pitch moved by 1 octaves" in result.stderr


def test_a_transfer_needs_to_know_the_training_data(chain, tmp_path):
    _, out = chain
    shutil.copy(out / "run" / "best.keras", tmp_path / "model.keras")
    drawn = tmp_path / "drawn.csv"
    drawn.write_text("time,f0_hz,loudness_db\n0,220,-30\n1,220,-30\n")
    arguments = ["synthesize", tmp_path / "model.keras", drawn, tmp_path / "o.wav", "--transfer"]
    result = CliRunner().invoke(main, ["-v", *map(str, arguments)])
    assert result.exit_code == 2
    assert "model.keras: does not say what it was trained on" in result.stderr
    result = CliRunner().invoke(main, ["-v", *map(str, arguments[:-1]), "--octaves", "1"])
    assert result.exit_code == 2 and "--octaves needs --transfer. See" in result.stderr
    assert not (tmp_path / "o.wav").exists()


def test_info_says_what_things_are(chain):
    _, out = chain
    assert "pitch tracker" in call("info", out / "dataset").output
    run = call("info", out / "run").output
    assert "6 of 6" in run and "spectral loss" in run
    assert re.search(r"loudness error +│ \d+\.\d\d dB", run)
    assert re.search(r"pitch outliers +│ (\d+\.\d %|not measured)", run)
    assert "stream.tflite" in call("info", out / "export").output
