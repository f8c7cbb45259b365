import json
import shutil

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from ddsp_tf.errors import UserError
from ddsp_tf.export.exporter import export_run
from ddsp_tf.export.player import ExportedModel
from ddsp_tf.model_files import load_model
from ddsp_tf.synthesis import synthesize
from ddsp_tf.training.run_directory import RunDirectory


def features(model, batch, frames, rng):
    return {
        "f0_hz": rng.uniform(200.0, 500.0, (batch, frames)).astype(np.float32),
        "loudness_db": rng.uniform(-50.0, -10.0, (batch, frames)).astype(np.float32),
        "noise": rng.uniform(-1.0, 1.0, (batch, frames * model.hop)).astype(np.float32),
    }


@pytest.mark.parametrize(("batch", "frames"), [(1, 1), (1, 333), (3, 40)])
def test_saved_model_equals_keras_model_for_any_batch_and_length(
    tiny_run, tiny_export, rng, batch, frames
):
    model = load_model(tiny_run)
    saved = tf.saved_model.load(str(tiny_export / "saved_model"))
    inputs = features(model, batch, frames, rng)
    played = saved.signatures["synthesize_with_noise"](
        **{name: tf.constant(value) for name, value in inputs.items()}
    )["audio"]
    assert played.shape == (batch, frames * model.hop)
    np.testing.assert_allclose(played, model(inputs), atol=1e-4)


def test_saved_model_draws_noise_from_its_seed(tiny_run, tiny_export, rng):
    model = load_model(tiny_run)
    signature = tf.saved_model.load(str(tiny_export / "saved_model")).signatures["synthesize"]
    curves = features(model, 1, 50, rng)
    curves.pop("noise")

    def play(seed):
        inputs = {name: tf.constant(value) for name, value in curves.items()}
        return signature(**inputs, noise_seed=tf.constant(seed))["audio"].numpy()

    np.testing.assert_array_equal(play(1), play(1))
    assert np.abs(play(1) - play(2)).max() > 1e-5


@pytest.mark.parametrize("frames", [1, 40, 333])
def test_litert_equals_keras_model_for_any_length(tiny_run, tiny_export, rng, frames):
    model = load_model(tiny_run)
    runner = Interpreter(str(tiny_export / "model.tflite")).get_signature_runner("synthesize")
    inputs = features(model, 1, frames, rng)
    np.testing.assert_allclose(runner(**inputs)["audio"], model(inputs), atol=1e-4)


def test_litert_needs_builtin_operators_only(tiny_export):
    interpreter = Interpreter(str(tiny_export / "model.tflite"))
    operators = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert "WHILE" in operators
    assert not {name for name in operators if "flex" in name.lower() or "custom" in name.lower()}


def test_exported_stream_equals_keras_model(tiny_run, tiny_export, rng):
    exported, model = ExportedModel(tiny_export), load_model(tiny_run)
    curves = {name: value[0] for name, value in features(model, 1, 120, rng).items()}
    blocks = np.concatenate(list(synthesize(exported, curves, seed=3, block_frames=17)))
    whole = np.concatenate(list(synthesize(model, curves, seed=3, block_frames=1000)))
    assert len(blocks) == 120 * model.hop
    np.testing.assert_allclose(blocks, whole, atol=1e-4)


def test_description_states_what_a_caller_must_know(tiny_run, tiny_export):
    description = json.loads((tiny_export / "model.json").read_text())
    assert description["sample_rate"] == 16000 and description["hop"] == 160
    assert description["features"] == ["f0_hz", "loudness_db"]
    assert description["feature_extractor"]["pitch_tracker"]["name"] == "swift_f0"
    assert description["trained_steps"] == 6
    assert description["state"]["state_decoder"] == [16]
    assert max(description["largest_difference"].values()) < 1e-4
    for name, file in description["files"].items():
        assert (tiny_export / name).stat().st_size == file["bytes"]


def test_impulse_response_is_the_models(tiny_run, tiny_export):
    taps, sample_rate = soundfile.read(tiny_export / "ir.wav")
    reverb = load_model(tiny_run).processor_group.processors[-1]
    assert sample_rate == 16000 and taps[0] == 1.0
    np.testing.assert_allclose(taps[1:], np.asarray(reverb.impulse_response)[1:], atol=1e-7)


def test_nothing_but_an_export_is_replaced(tiny_run, tmp_path):
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_text("")
    with pytest.raises(UserError, match=r"photos.*not an export"):
        export_run(RunDirectory(tiny_run), other)
    assert [path.name for path in other.iterdir()] == ["cat.jpg"]


def test_broken_exports_are_named(tiny_export, tmp_path):
    with pytest.raises(UserError, match=r"no model\.json"):
        ExportedModel(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(UserError, match="schema"):
        ExportedModel(tmp_path)
    shutil.copy(tiny_export / "model.json", tmp_path / "model.json")
    with pytest.raises(UserError, match="saved_model"):
        ExportedModel(tmp_path)
