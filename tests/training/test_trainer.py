import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from ddsp_tf.training.checkpoints import Checkpoints
from ddsp_tf.training.step import TrainingStep
from ddsp_tf.training.trainer import Trainer

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data import random_clips
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.errors import UserError
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.training.run import train_run
from ddsp_tf.training.validation import Validation

# Where nobody looks at the renders: their graph takes as long to make as the validation's.
UNHEARD = "train.render_clips=0"


def test_run_directory_holds_what_it_promises(tiny_run):
    run = RunDirectory(tiny_run)
    record = run.read()
    assert record["step"] == 6 and record["seed"] == 1
    assert record["best_validation_loss"] <= record["first_validation_loss"]
    assert record["extractor"]["pitch_tracker"]["name"] == "swift_f0"
    log = MetricsLog(run.metrics)
    assert log.column("loss")[0].tolist() == [2, 3, 4, 6]
    assert log.column("validation_loss")[0].tolist() == [0, 3, 6]
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
    assert {"training/loss", "training/gradient_norm", "validation/loss"} <= tags
    assert {"target", "reconstruction", "clip_0/target", "clip_0/harmonic"} <= tags


def test_best_model_is_that_of_the_lowest_validation_loss(tiny_run, tiny_dataset, tiny_overrides):
    experiment = load_experiment("demo", tiny_overrides)
    validation = Validation(
        load_model(tiny_run),
        experiment.loss,
        [load_manifest(tiny_dataset)],
        clip_frames=50,
        settings=experiment.training,
    )
    best = MetricsLog(RunDirectory(tiny_run).metrics).column("validation_loss")[1].min()
    numbers, _ = validation.measure()
    assert numbers["validation_loss"] == pytest.approx(best, rel=1e-4)


def test_held_out_and_training_clips_are_measured_by_one_graph(
    tiny_run, tiny_dataset, tiny_overrides
):
    experiment = load_experiment("demo", tiny_overrides)
    model, manifest = load_model(tiny_run), load_manifest(tiny_dataset)
    validation = Validation(model, experiment.loss, [manifest], 50, experiment.training)
    _, held_out = validation.measure()
    training = validation.measure_training_files()
    counts = [sum(row["clips"] for row in rows) for rows in (held_out, training)]
    # Else one shape would do by itself.
    assert len(set(counts)) == 2 and counts[1] % len(validation.batches[0]["audio"])
    assert model._graphs["validation"].experimental_get_tracing_count() == 1


def test_training_lowers_the_loss(tiny_dataset, tiny_overrides, tmp_path):
    overrides = [
        *tiny_overrides,
        "train.steps=60",
        "train.learning_rate=0.01",
        "train.warm_up_steps=5",
        "train.validate_every=60",
        UNHEARD,
        "train.checkpoint_every=60",
    ]
    summary = train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)
    assert summary["validation_loss"] < 0.8 * summary["first_validation_loss"]


COMMAND = """
import sys
from ddsp_tf.data import random_clips
random_clips._CLIPS_PER_EPOCH = 16
from ddsp_tf.training.run import train_run
train_run("demo", sys.argv[1], sys.argv[2], overrides=sys.argv[3:], seed=4)
"""


def test_one_seed_gives_one_table(tiny_run, tiny_dataset, tiny_overrides, tmp_path):
    train_run("demo", tiny_dataset, tmp_path / "run", overrides=tiny_overrides, seed=1)
    first, second = (RunDirectory(folder).metrics for folder in (tiny_run, tmp_path / "run"))
    assert first.read_bytes() == second.read_bytes()
    assert load_model(tiny_run).get_config() == load_model(tmp_path / "run").get_config()


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_numbers(
    tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    # An epoch is eight steps, checkpoints lie five apart: wherever it goes on is inside of one.
    monkeypatch.setattr(random_clips, "_CLIPS_PER_EPOCH", 16)
    overrides = [*tiny_overrides, UNHEARD, "train.steps=40", "train.checkpoint_every=5"]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    train_run("demo", tiny_dataset, undisturbed, overrides=overrides, seed=4)
    command = [sys.executable, "-c", COMMAND, str(tiny_dataset), str(killed), *overrides]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        metrics = RunDirectory(killed).metrics
        deadline = time.monotonic() + 120
        # Somewhere after the first checkpoint, wherever the process happens to be by then.
        while not any((killed / "checkpoints").glob("step_*.npz")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    whole = MetricsLog(undisturbed / "logs/metrics.csv")
    assert len(MetricsLog(metrics).rows()) < len(whole.rows())
    summary = train_run("demo", tiny_dataset, killed, overrides=overrides, seed=4)
    assert summary["step"] == 40
    assert metrics.read_bytes() == (undisturbed / "logs/metrics.csv").read_bytes()
    weights = [load_model(folder).get_weights() for folder in (undisturbed, killed)]
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_interrupting_saves_a_checkpoint(tiny_dataset, tiny_overrides, tmp_path):
    def stop(step, steps, numbers):
        if step == 4 and "loss" in numbers:
            raise KeyboardInterrupt

    folder, overrides = tmp_path / "run", [*tiny_overrides, UNHEARD]
    with pytest.raises(KeyboardInterrupt):
        train_run("demo", tiny_dataset, folder, overrides=overrides, on_step=stop)
    assert Checkpoints(folder / "checkpoints", 3).paths()[-1].name == "step_00000004.npz"
    assert train_run("demo", tiny_dataset, folder, overrides=overrides)["step"] == 6


def test_a_loss_that_is_no_number_stops_the_run(tiny_dataset, tiny_overrides, tmp_path):
    overrides = [
        *tiny_overrides,
        UNHEARD,
        "train.learning_rate=1e30",
        "train.warm_up_steps=0",
        "train.gradient_norm=1e30",
    ]
    with pytest.raises(UserError, match=r"no longer a number.*checkpoint.*learning_rate"):
        train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)


def test_what_is_no_number_names_step_files_and_last_good_checkpoint(
    tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    train = TrainingStep.run

    def poisoned(self, batch, step):
        numbers = np.array(train(self, batch, step))
        if step == 4:
            numbers[self.names.index("gradient_norm")] = np.nan
        return numbers

    monkeypatch.setattr(TrainingStep, "run", poisoned)
    overrides = [*tiny_overrides, UNHEARD]
    with pytest.raises(UserError) as caught:
        train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)
    message = str(caught.value)
    assert re.search(r"step 4 \(files melody_\d\.wav(, melody_\d\.wav)?\)", message)
    assert f"last good checkpoint: {tmp_path / 'run/checkpoints/step_00000003.npz'}" in message
    monkeypatch.setattr(TrainingStep, "run", train)
    assert train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)["step"] == 6


def test_a_run_ends_early_when_nothing_gets_better(tiny_dataset, tiny_overrides, tmp_path):
    overrides = [
        *tiny_overrides,
        UNHEARD,
        "train.steps=50",
        "train.validate_every=1",
        "train.early_stop_validations=2",
        "train.learning_rate=1e-30",
    ]
    for _ in range(2):
        # The second time there is nothing left to do.
        summary = train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)
        assert summary["step"] == 2
    assert Checkpoints(tmp_path / "run/checkpoints", 3).paths()[-1].name == "step_00000002.npz"
    overrides[-2] = "train.early_stop_validations=4"
    assert train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)["step"] == 4


def test_more_steps_go_on_with_a_finished_run(tiny_run, tiny_dataset, tiny_overrides, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    overrides = [*tiny_overrides, "train.steps=8"]
    assert train_run("demo", tiny_dataset, folder, overrides=overrides, seed=1)["step"] == 8
    assert RunDirectory(folder).read()["steps"] == 8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 2}, "seed=1.*2"),
        ({"overrides": ["train.learning_rate=0.1"]}, "another configuration.*learning_rate"),
    ],
)
def test_another_run_does_not_overwrite(
    changes, words, tiny_run, tiny_dataset, tiny_overrides, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    before = (folder / "config.gin").read_text()
    overrides = [*tiny_overrides, *changes.get("overrides", ())]
    with pytest.raises(UserError, match=words):
        train_run("demo", tiny_dataset, folder, overrides=overrides, seed=changes.get("seed", 1))
    assert (folder / "config.gin").read_text() == before


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
    (tmp_path / "photos" / "cat.jpg").write_text("")
    with pytest.raises(UserError, match=r"photos.*not a run"):
        train_run("demo", tiny_dataset, tmp_path / "photos", overrides=tiny_overrides)


def test_trainer_refuses_a_dataset_of_other_rates(tiny_dataset, tmp_path):
    experiment = load_experiment("vst")
    with pytest.raises(UserError, match="frame_rate"):
        Trainer(experiment, [load_manifest(tiny_dataset)], RunDirectory(tmp_path / "run"))


def test_loudness_of_another_reference_is_refused(tiny_dataset, tiny_overrides, tmp_path):
    overrides = [
        *tiny_overrides,
        "Autoencoder.level_matching=@LevelMatching()",
        "LevelMatching.loudness_fft_size=1024",
    ]
    with pytest.raises(UserError, match=r"loudness_fft_size of the dataset is 512 but.*1024"):
        train_run("demo", tiny_dataset, tmp_path / "run", overrides=overrides)
    assert not (tmp_path / "run").exists()
