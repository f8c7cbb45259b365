"""Every configuration that ships makes a model that learns, trains, is exported and plays."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from ddsp_tf.configuration.experiment import load_experiment, load_extractor, shipped_names
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.export.exporter import export_run
from ddsp_tf.files.export_description import read_description
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.run import train_run

# The length of a room changes nothing but the time that this takes.
SHORT = [
    "train.steps=2",
    "train.batch_size=1",
    "train.clip_seconds=0.4",
    "Reverb.length=4800",
]


@pytest.mark.parametrize("name", shipped_names())
def test_one_step_lowers_the_loss(name, rng):
    import tensorflow as tf

    experiment = load_experiment(name, ["Reverb.length=4800"], seed=0)
    model, extractor = experiment.model, experiment.extractor
    frames = round(0.3 * extractor.frame_rate)
    samples = frames * extractor.hop
    target = np.sin(2.0 * np.pi * 330.0 * np.arange(samples) / extractor.sample_rate)
    features = {
        "f0_hz": np.full((1, frames), 330.0, np.float32),
        "loudness_db": np.linspace(-60.0, -10.0, frames, dtype=np.float32)[None],
        "power_db": np.linspace(-60.0, -10.0, frames, dtype=np.float32)[None],
        "audio": np.float32(0.3 * target)[None],
        "noise": rng.uniform(-1.0, 1.0, (1, samples)).astype(np.float32),
    }

    def loss():
        return experiment.loss(features["audio"], model(features))

    with tf.GradientTape() as tape:
        before = loss()
    weights = model.trainable_weights
    gradients = tape.gradient(before, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert gradient is not None and np.isfinite(gradient).all(), weight.path
    keras.optimizers.Adam(1e-4).apply(gradients, weights)
    assert float(loss()) < float(before)


def _at_16_khz_or_long(name):
    """At other rates, layers are the same with other numbers of samples."""
    return pytest.param(name, marks=pytest.mark.long if name.endswith("k") else ())


@pytest.mark.slow
@pytest.mark.parametrize("name", [_at_16_khz_or_long(name) for name in shipped_names()])
def test_configuration_trains_and_exports(name, melodies, tmp_path):
    dataset, folder = tmp_path / "dataset", tmp_path / "run"
    prepare_dataset([melodies], dataset, extractor=load_extractor(name), validation_share=0.0)
    summary = train_run(name, dataset, folder, overrides=SHORT)
    assert summary["step"] == 2
    steps, losses = MetricsLog(RunDirectory(folder).metrics).column("loss")
    assert steps.tolist() == [2] and np.isfinite(losses).all()
    export = tmp_path / "export"
    description = export_run(RunDirectory(folder), export, precisions=["float32"])
    assert read_description(export) == description
    expected = {"offline.tflite", "stream.tflite", "saved_model/saved_model.pb"}
    assert expected <= set(description.files)
    assert ("ir.wav" in description.files) == (name not in ("fast_dry", "ensemble"))
    assert (f"vst/{tmp_path.name}/{tmp_path.name}.tflite" in description.files) == (name == "vst")
    assert bool(description.not_written) == (name != "vst")
    assert_plays(export / "stream.tflite")


def assert_plays(path):
    """One hop of silence, and one of a tone."""
    step = Interpreter(str(path)).get_signature_runner("step")
    inputs = {
        name: np.zeros(tensor["shape"], np.float32)
        for name, tensor in step.get_input_details().items()
    }
    for f0_hz in (0.0, 330.0):
        inputs["f0_hz"][:] = f0_hz
        outputs = step(**inputs)
        audio = outputs.pop("audio")
        assert np.isfinite(audio).all()
        inputs |= outputs
    assert audio.shape == inputs["noise"].shape
