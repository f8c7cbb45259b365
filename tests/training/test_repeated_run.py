"""A training run repeats and resumes exactly."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ddsp_tf.data import random_clips
from ddsp_tf.errors import Stopped
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.training.run import train_run
from ddsp_tf.training.stopping import StopOnSignal

# For runs whose renders are not tested.
UNHEARD = "train.render_every=0"


def weights_of(folder):
    return load_model(folder).get_weights()


def checkpoints_of(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def assert_same_run(one, two):
    """Same numbers, digit by digit, and same weights."""
    tables = [(folder / "logs/metrics.csv").read_bytes() for folder in (one, two)]
    assert tables[0] == tables[1]
    for ours, theirs in zip(weights_of(one), weights_of(two), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_one_seed_gives_one_run(tiny_run, tiny_dataset, tiny_overrides, tmp_path):
    train_run("demo", tiny_dataset, tmp_path / "run", overrides=tiny_overrides, seed=1)
    assert_same_run(tiny_run, tmp_path / "run")
    assert load_model(tiny_run).get_config() == load_model(tmp_path / "run").get_config()


def send_before(monkeypatch, step, numbers):
    """Sends signals to this process before a step, as if they came while the one before ran."""
    original = StopOnSignal.on_train_batch_begin
    sent = []

    def on_train_batch_begin(self, batch, logs=None):
        if not sent and self.first_step + batch == step:
            sent.append(step)
            for number in numbers:
                signal.raise_signal(number)
        original(self, batch, logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step = int(self.model.optimizer.iterations)

    monkeypatch.setattr(StopOnSignal, "on_train_batch_begin", on_train_batch_begin)
    monkeypatch.setattr(StopOnSignal, "on_epoch_begin", on_epoch_begin)


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_numbers(
    tiny_run, tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    folder, overrides = tmp_path / "run", [*tiny_overrides, UNHEARD]
    handler = signal.getsignal(signal.SIGINT)
    # Inside of an epoch, with an average of the weights and random pitch; then before the first
    # step of what is left of the epoch.
    for _ in range(2):
        with monkeypatch.context() as patched:
            send_before(patched, 4, [signal.SIGINT] * 5)
            stopped = pytest.raises(Stopped, match="run: stopped at step 4; a checkpoint is saved")
            with stopped as error:
                train_run("demo", tiny_dataset, folder, overrides=overrides, seed=1)
        assert error.value.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is handler
    assert checkpoints_of(folder) == ["step_00000003.npz", "step_00000004.npz"]
    assert train_run("demo", tiny_dataset, folder, overrides=overrides, seed=1)["step"] == 6
    assert_same_run(tiny_run, folder)


COMMAND = """
import sys
from ddsp_tf.data import random_clips
random_clips._CLIPS_PER_EPOCH = 16
from ddsp_tf.training.run import train_run
train_run("demo", sys.argv[1], sys.argv[2], overrides=sys.argv[3:], seed=4)
"""


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_numbers(
    tiny_dataset, tiny_overrides, tmp_path, monkeypatch
):
    # Clips come in rounds of eight steps, checkpoints lie five apart: it resumes inside of a round.
    monkeypatch.setattr(random_clips, "_CLIPS_PER_EPOCH", 16)
    overrides = [*tiny_overrides, UNHEARD, "train.steps=40", "train.validate_every=5"]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    train_run("demo", tiny_dataset, undisturbed, overrides=overrides, seed=4)
    command = [sys.executable, "-c", COMMAND, str(tiny_dataset), str(killed), *overrides]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        # Somewhere after the first checkpoint, wherever the process happens to be by then.
        while not any((killed / "checkpoints").glob("step_*.npz")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    summary = train_run("demo", tiny_dataset, killed, overrides=overrides, seed=4)
    assert summary["step"] == 40
    assert_same_run(undisturbed, killed)
    assert not [path for path in killed.rglob("*") if ".partial" in path.name]


def test_more_steps_resume_a_finished_run_from_its_newest_whole_checkpoint(
    tiny_run, tiny_dataset, tiny_overrides, tmp_path
):
    folder, said = tmp_path / "run", []
    shutil.copytree(tiny_run, folder)
    newest = folder / "checkpoints" / "step_00000006.npz"
    newest.write_bytes(newest.read_bytes()[:-100])
    overrides = [*tiny_overrides, UNHEARD, "train.steps=8"]
    train_run("demo", tiny_dataset, folder, overrides=overrides, seed=1, on_warning=said.append)
    assert any("step_00000006.npz: damaged" in text for text in said)
    assert RunDirectory(folder).read()["steps"] == 8
    ours, theirs = (MetricsLog(run / "logs/metrics.csv") for run in (folder, tiny_run))
    assert ours.rows()[:-1] == theirs.rows()
    assert ours.rows()[-1]["step"] == 8
