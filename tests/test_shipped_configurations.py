"""Every configuration that ships is trained for two steps and exported."""

import json

import numpy as np
import pytest

from ddsp_tf.configuration import load_extractor, shipped_names
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.export.exporter import export_run
from ddsp_tf.training.metrics_log import MetricsLog
from ddsp_tf.training.run import train_run
from ddsp_tf.training.run_directory import RunDirectory

SHORT = ["train.steps=2", "train.batch_size=1", "train.clip_seconds=0.4", "train.log_every=1"]


@pytest.mark.parametrize("name", shipped_names())
def test_configuration_trains_and_exports(name, melodies, tmp_path):
    dataset, folder = tmp_path / "dataset", tmp_path / "run"
    prepare_dataset([melodies], dataset, extractor=load_extractor(name), validation_share=0.0)
    summary = train_run(name, dataset, folder, overrides=[*SHORT, "train.render_clips=1"])
    assert summary["step"] == 2
    steps, losses = MetricsLog(RunDirectory(folder).metrics).column("loss")
    assert steps.tolist() == [1, 2] and np.isfinite(losses).all()
    description = export_run(RunDirectory(folder), tmp_path / "export")
    assert json.loads((tmp_path / "export" / "model.json").read_text()) == description
    assert {"model.tflite", "ir.wav", "saved_model/saved_model.pb"} <= set(description["files"])
