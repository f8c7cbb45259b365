import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf

import ddsp_tf
from ddsp_tf.errors import UserError
from ddsp_tf.export.exporter import export_model, export_run
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.verification import verify
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.export_description import check_files, read_description
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.exported_model import ExportedModel
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.playing import load_player
from ddsp_tf.inference.rendering import synthesize
from ddsp_tf.models import Autoencoder, RnnDecoder
from ddsp_tf.processors import Harmonic, ProcessorGroup


def test_exported_stream_equals_keras_model(tiny_run, tiny_export, rng):
    exported, model = ExportedModel(tiny_export), load_model(tiny_run)
    curves = {
        "f0_hz": rng.uniform(200.0, 500.0, 120).astype(np.float32),
        "loudness_db": rng.uniform(-50.0, -10.0, 120).astype(np.float32),
    }
    blocks = np.concatenate(list(synthesize(exported, curves, seed=3, block_frames=17)))
    whole = np.concatenate(list(synthesize(model, curves, seed=3, block_frames=1000)))
    assert len(blocks) == 120 * model.hop
    np.testing.assert_allclose(blocks, whole, atol=1e-4)


def test_description_states_what_a_caller_must_know(tiny_export):
    description = json.loads((tiny_export / "model.json").read_text())
    assert description["schema_version"] == 3
    assert description["sample_rate"] == 16000 and description["hop"] == 160
    assert description["features"] == ["f0_hz", "loudness_db"] and description["mean_z"] is None
    assert description["feature_extractor"]["pitch_tracker"]["name"] == "auto"
    assert description["trained_steps"] == 6
    assert description["state"]["saved_model"]["state_decoder"] == 16
    assert description["stems"] == ["harmonic", "noise", "dry", "wet"]
    assert description["not_written"]["vst"].startswith("features are")
    for name, file in description["files"].items():
        assert (tiny_export / name).stat().st_size == file["bytes"]


def test_artifacts_are_measured(tiny_export):
    artifacts = json.loads((tiny_export / "model.json").read_text())["artifacts"]
    endings = ("", "_float16", "_int8")
    files = {f"{stem}{ending}.tflite" for stem in ("offline", "stream") for ending in endings}
    assert set(artifacts) == {"saved_model", "listen.tflite", *files}
    for name, artifact in artifacts.items():
        exact = not name.endswith(("_float16.tflite", "_int8.tflite"))
        assert artifact["largest_difference"] <= (1e-4 if exact else 0.1)
        assert artifact["snr_db"] > (60.0 if exact else 15.0)
    assert "WHILE" in artifacts["offline.tflite"]["operators"]
    assert "WHILE" not in artifacts["stream.tflite"]["operators"]


def test_models_are_compared_without_the_rounding_of_a_gpu(tiny_run, tiny_export):
    rounding = tf.config.experimental.tensor_float_32_execution_enabled
    seen, model = [], load_model(tiny_run)

    def watched(features, training=None):
        seen.append(rounding())
        return type(model).call(model, features)

    assert rounding()
    model.call = watched
    verify(model, ModelFunctions(model), tiny_export, [])
    assert seen and not any(seen)
    assert rounding()


@pytest.fixture(scope="module")
def small():
    """A model whose export takes seconds."""
    decoder = RnnDecoder({"amplitudes": 1, "harmonic_distribution": 4}, rnn_channels=8)
    harmonic = Harmonic(n_harmonics=4), ["amplitudes", "harmonic_distribution", "f0_hz"]
    return Autoencoder(decoder, ProcessorGroup([harmonic]))


def test_a_model_is_exported_without_a_run_and_without_being_changed(small, tmp_path):
    small.build()
    weights, execution = small.get_weights(), small.decoder.execution
    description = export_model(small, tmp_path / "export", ["float32"])
    for before, after in zip(weights, small.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert small.decoder.execution == execution
    assert description == read_description(tmp_path / "export")
    assert description.trained_steps is None and description.feature_ranges is None
    check_files(tmp_path / "export", description)
    player, extractor = load_player(tmp_path / "export")
    assert (player.hop, extractor.frame_rate) == (64, 250)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


@pytest.fixture
def earlier(tiny_export, tmp_path):
    return shutil.copytree(tiny_export, tmp_path / "folder" / "export")


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_failed_export_leaves_the_earlier_one(small, earlier, monkeypatch):
    before = content(earlier)

    def fail(functions, folder, more):
        folder.mkdir()
        raise UserError("the exported model differs")

    monkeypatch.setattr("ddsp_tf.export.exporter.write_saved_model", fail)
    with pytest.raises(UserError, match="differs"):
        export_model(small, earlier, ["float32"])
    assert content(earlier) == before
    assert [path.name for path in earlier.parent.iterdir()] == ["export"]


def test_an_export_that_was_renamed_aside_is_found_again(earlier):
    """A process was killed between the two renames that replace an export."""
    before = content(earlier)
    with atomic_path(earlier / "ir.wav") as temporary:
        temporary.write_bytes((earlier / "ir.wav").read_bytes())
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    aside = temporary.name.replace("ir.", "export.").replace(str(os.getpid()), str(dead.pid))
    earlier.rename(earlier.parent / aside.replace("partial.wav", "replaced"))
    assert read_description(earlier).hop == 160
    assert content(earlier) == before
    assert [path.name for path in earlier.parent.iterdir()] == ["export"]


HOLD = (
    "import sys, time; from ddsp_tf.files.locks import locked\n"
    "with locked(sys.argv[1], 'exporting'): print('held', flush=True); time.sleep(60)"
)


def test_two_processes_do_not_export_to_one_folder(small, tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "export")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"process {other.pid} \(exporting\)"):
            export_model(small, tmp_path / "export", ["float32"])
        other.kill()
    assert not (tmp_path / "export").exists()


def test_impulse_response_is_the_models(tiny_run, tiny_export):
    taps, sample_rate = soundfile.read(tiny_export / "ir.wav")
    reverb = load_model(tiny_run).processor_group.processors[-1]
    assert sample_rate == 16000 and taps[0] == 1.0
    np.testing.assert_allclose(taps[1:], reverb.impulse_response.numpy()[1:], atol=1e-7)
    for rate in (44100, 48000):
        taps, sample_rate = soundfile.read(tiny_export / f"ir_{rate}.wav")
        assert sample_rate == rate and abs(len(taps) - 400 * rate / 16000) < 1


def test_nothing_but_an_export_is_replaced(tiny_run, tmp_path):
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_text("")
    with pytest.raises(UserError, match=r"photos.*not an export"):
        export_run(RunDirectory(tiny_run), other)
    assert [path.name for path in other.iterdir()] == ["cat.jpg"]


def test_unknown_precision_is_named(tiny_run, tmp_path):
    with pytest.raises(UserError, match=r"'int4'.*float32, float16, int8"):
        export_run(RunDirectory(tiny_run), tmp_path / "export", ["float32", "int4"])
    assert list(tmp_path.iterdir()) == []


def test_an_instrument_without_its_run_is_named(tmp_path):
    shutil.copy(ddsp_tf.instrument("cello") / "run.json", tmp_path)
    with pytest.raises(UserError, match=r"is one instrument of a run, whose model .* is missing"):
        export_run(RunDirectory(tmp_path), tmp_path / "export")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_broken_exports_are_named(tiny_export, tmp_path):
    with pytest.raises(UserError, match=r"no model\.json"):
        ExportedModel(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(UserError, match=r"model\.json: not as ddsp-tf writes it \(schema_version"):
        ExportedModel(tmp_path)
    shutil.copy(tiny_export / "model.json", tmp_path / "model.json")
    with pytest.raises(UserError, match="saved_model"):
        ExportedModel(tmp_path)
