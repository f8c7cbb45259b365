"""A training run as a whole: what it leaves, and how it fails."""

import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

import ddsp_tf
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.errors import UserError
from ddsp_tf.files.locks import locked
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDiffersError, RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.training import fitting
from ddsp_tf.training.optimizer import make_optimizer
from ddsp_tf.training.run import train_run
from ddsp_tf.training.validation import ValidationClips

# For runs whose renders are not tested.
UNHEARD = "train.render_every=0"


def test_run_directory_holds_what_it_promises(tiny_run):
    run = RunDirectory(tiny_run)
    record = run.read()
    assert record["step"] == 6 and record["seed"] == 1
    assert record["best_validation_loss"] <= record["first_validation_loss"]
    assert record["extractor"]["pitch_tracker"]["name"] == "auto"
    log = MetricsLog(run.metrics)
    assert log.column("loss")[0].tolist() == [3, 6]
    assert log.column("validation_loss")[0].tolist() == [0, 3, 6]
    assert log.column("level_harmonic_db")[0].tolist() == [3, 6]
    row = log.rows()[-1]
    assert row["loss"] == pytest.approx(row["magnitude"] + row["log_magnitude"], rel=1e-5)
    assert MetricsLog(run.timing).column("seconds")[1][-1] == pytest.approx(
        record["seconds"], abs=1e-3
    )
    assert sorted(path.name for path in (tiny_run / "checkpoints").iterdir()) == [
        "step_00000003.npz",
        "step_00000006.npz",
    ]
    assert load_model(tiny_run).frame_rate == 100
    clip = run.renders / "step_000006" / "clip_0"
    names = {"target", "reconstruction", "harmonic", "noise", "dry"}
    assert {path.stem for path in clip.iterdir()} == names
    assert soundfile.info(clip / "target.wav").frames == 8000


def test_tensorboard_gets_numbers_sounds_and_pictures(tiny_run):
    tags = set()
    for path in RunDirectory(tiny_run).logs.glob("events*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            tags |= {value.tag for value in event.summary.value}
    assert {"training/loss", "training/learning_rate", "validation/loss"} <= tags
    assert {"target", "reconstruction", "clip_0/target", "clip_0/harmonic"} <= tags


def test_best_model_is_that_of_the_lowest_validation_loss(tiny_run, tiny_dataset, tiny_overrides):
    experiment = load_experiment("demo", tiny_overrides)
    model = load_model(tiny_run)
    validation = ValidationClips(model, [load_manifest(tiny_dataset)], clip_frames=50)
    model.compile(loss=experiment.loss)
    best = MetricsLog(RunDirectory(tiny_run).metrics).column("validation_loss")[1].min()
    assert model.evaluate(validation.batches(), verbose=0) == pytest.approx(best, rel=1e-5)


def test_fit_trains_the_same_model_as_the_command(tiny_dataset, tiny_overrides, tmp_path):
    overrides = [*tiny_overrides, UNHEARD, "train.steps=20", "train.validate_every=5"]
    train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides, seed=5)
    # As in the README.
    experiment = ddsp_tf.load_experiment("demo", overrides, seed=5)
    model, settings = experiment.model, experiment.training
    model.compile(make_optimizer(settings), experiment.loss)
    batches = training_batches(
        tiny_dataset, clip_frames=50, batch_size=2, seed=5, features=model.feature_names
    )
    history = model.fit(batches, steps_per_epoch=5, epochs=4, verbose=0).history
    losses = MetricsLog(tmp_path / "run/logs/metrics.csv").column("loss")[1]
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-6)


@pytest.mark.slow
def test_training_lowers_the_loss(tiny_dataset, tiny_overrides, tmp_path):
    overrides = [
        *tiny_overrides,
        UNHEARD,
        "train.steps=60",
        "train.learning_rate=0.01",
        "train.warm_up_steps=5",
        "train.validate_every=60",
    ]
    summary = train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)
    assert summary["validation_loss"] < 0.8 * summary["first_validation_loss"]
    assert load_model(tmp_path / "run").pitch_jitter == 0.5


def test_a_loss_that_is_no_number_names_step_files_and_last_good_checkpoint(
    tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    def poisoned(*arguments, first_step, **options):
        batches = training_batches(*arguments, first_step=first_step, **options)

        def poison(step, batch):
            features, audio = batch
            return features, tf.where(step == 4, np.float32(np.nan), audio)

        return batches.enumerate(first_step).map(poison)

    overrides, folder = [*tiny_overrides, UNHEARD], tmp_path / "run"
    monkeypatch.setattr(fitting, "training_batches", poisoned)
    with pytest.raises(UserError) as caught:
        train_run("demo", tiny_dataset, folder, overrides=overrides)
    message = str(caught.value)
    pattern = r"no longer a finite number at step 4 \(files melody_\d\.wav(, melody_\d\.wav)?\)"
    assert re.search(pattern, message)
    assert f"last good checkpoint: {folder / 'checkpoints/step_00000003.npz'}" in message
    assert "learning_rate" in message and "\n" not in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 2}, "seed=1.*2"),
        ({"overrides": ["train.learning_rate=0.1"]}, "another configuration.*learning_rate"),
        ({"weights": [2.0]}, r"weights=None.*\[2\.0\]"),
    ],
)
def test_another_run_does_not_overwrite(
    changes, words, tiny_run, tiny_dataset, tiny_overrides, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    changes = {"seed": 1, **changes, "overrides": [*tiny_overrides, *changes.get("overrides", ())]}
    with pytest.raises(RunDiffersError, match=words):
        train_run("demo", tiny_dataset, folder, **changes)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_wrong_places_leave_nothing_behind(tiny_dataset, tiny_overrides, tmp_path):
    with pytest.raises(UserError, match="nothing_here"):
        train_run("demo", tmp_path / "nothing_here", tmp_path / "run")
    with pytest.raises(UserError, match=r"frame_rate.*100.*50"):
        train_run("vst", tiny_dataset, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file.*is a file"):
        train_run("demo", tiny_dataset, tmp_path / "file", overrides=tiny_overrides)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "config.gin").write_text("mine")
    with pytest.raises(UserError, match=r"photos.*not a run"):
        train_run("demo", tiny_dataset, tmp_path / "photos", overrides=tiny_overrides)
    assert (tmp_path / "photos" / "config.gin").read_text() == "mine"


def test_out_of_memory_says_what_is_free_and_what_to_lower(
    tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    def evaluate(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(keras.Model, "evaluate", evaluate)
    monkeypatch.setattr(fitting, "memory_of_gpus", lambda: "GPU 0: 0.2 of 80.0 GiB free")
    with pytest.raises(UserError, match=r"0\.2 of 80\.0 GiB.*batch_size \(now 2\)"):
        train_run("demo", tiny_dataset, tmp_path / "run", overrides=[*tiny_overrides, UNHEARD])


def test_a_dataset_that_is_gone_while_training_is_named(
    tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    data = tmp_path / "data"
    shutil.copytree(tiny_dataset, data)

    def fit(*arguments, **options):
        shutil.rmtree(data)
        raise tf.errors.NotFoundError(None, None, "shard")

    monkeypatch.setattr(keras.Model, "evaluate", lambda *_, **__: {"loss": 1.0})
    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(UserError, match=r"data: can no longer be read.*of step 0; the same") as e:
        train_run("demo", data, tmp_path / "run", overrides=tiny_overrides)
    assert "\n" not in str(e.value)


HOLD = """
import sys
from ddsp_tf.files.locks import locked
with locked(sys.argv[1], "training"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_in_which_another_process_trains_is_refused(tiny_dataset, tiny_run):
    command = [sys.executable, "-c", HOLD, str(tiny_run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=rf"process {other.pid} \(training\)"):
            train_run("demo", tiny_dataset, tiny_run)
        other.stdin.close()
    with locked(tiny_run, "training"):
        pass
