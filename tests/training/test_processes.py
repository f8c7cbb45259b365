"""Two processes train as one, stop together, and resume exactly."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from plain_jax import plain_jax

from ddsp_tf.files.metrics_log import MetricsLog

pytestmark = pytest.mark.long


class Training:
    """Starts `ddsp-tf train` on JAX, in one process or in two."""

    def __init__(self, place, dataset, overrides):
        self.place, self.temporary = place, place / "temporary"
        settings = [part for setting in overrides for part in ("--set", setting)]
        self.command = [sys.executable, "-m", "ddsp_tf.app.cli", "train", "--config", "demo"]
        self.command += ["--data", str(dataset), "--seed", "1", *settings]
        self.environment = os.environ | plain_jax()
        self.environment |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
        for number in range(2):
            (self.temporary / str(number)).mkdir(parents=True, exist_ok=True)

    def start(self, run, number, *options, **environment):
        # Signals to a shell's background processes would be ignored, and so by their children.
        return subprocess.Popen(
            [*self.command, "--run", str(run), *options],
            env=self.environment | {"TMPDIR": str(self.temporary / str(number))} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pair(self, run):
        """Both processes, connected by the options."""
        with socket.create_server(("", 0)) as server:
            port = server.getsockname()[1]
        options = ("--coordinator", f"localhost:{port}", "--processes", "2", "--process")
        return [self.start(run, number, *options, str(number)) for number in range(2)]

    def job(self, run):
        """Both processes, as Slurm starts them."""
        job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "localhost"}
        job |= {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}
        numbers = [{"SLURM_PROCID": str(k), "SLURM_LOCALID": str(k)} for k in range(2)]
        return [self.start(run, k, **job, **numbers[k]) for k in range(2)]

    def finish(self, processes):
        """Returns exit codes and messages; nothing may be left of the temporary copies."""
        messages = [process.communicate(timeout=600)[1] for process in processes]
        for number in range(2):
            left = [path.name for path in (self.temporary / str(number)).iterdir()]
            assert not [name for name in left if not name.startswith("ddsp_tf_locks")], left
        return [process.returncode for process in processes], messages


def wait_for(path, processes):
    until = time.monotonic() + 600
    while not path.exists():
        assert time.monotonic() < until
        assert all(process.poll() is None for process in processes), processes[0].stderr.read()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def training(tmp_path_factory, tiny_dataset, tiny_overrides):
    return Training(tmp_path_factory.mktemp("processes"), tiny_dataset, tiny_overrides)


@pytest.fixture(scope="module")
def undisturbed(training):
    run = training.place / "undisturbed"
    codes, messages = training.finish(training.pair(run))
    assert codes == [0, 0], messages
    return run


def test_two_processes_train_as_one(training, undisturbed):
    alone = training.place / "alone"
    training.start(alone, 0).communicate(timeout=600)
    logs = [MetricsLog(run / "logs/metrics.csv") for run in (alone, undisturbed)]
    for column, rows in (("loss", 2), ("validation_loss", 3)):
        (steps, one), (_, two) = (log.column(column) for log in logs)
        assert len(steps) == rows
        np.testing.assert_allclose(two, one, rtol=1e-4)
    names = [
        sorted(str(path.relative_to(run)) for path in run.rglob("*") if "events" not in path.name)
        for run in (alone, undisturbed)
    ]
    assert names[0] == names[1]


def test_they_stop_together_and_resume_exactly(training, undisturbed):
    run = training.place / "stopped"
    processes = training.job(run)
    wait_for(run / "checkpoints/step_00000003.npz", processes)
    processes[1].send_signal(signal.SIGTERM)
    codes, messages = training.finish(processes)
    assert codes == [143, 143], messages
    for text in messages:
        assert f"{run}: stopped at step " in text
    codes, messages = training.finish(training.job(run))
    assert codes == [0, 0], messages
    tables = [(folder / "logs/metrics.csv").read_text() for folder in (run, undisturbed)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_other(training, undisturbed, killed):
    run = training.place / f"killed_{killed}"
    shutil.copytree(undisturbed, run)
    for path in run.rglob("*00006*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    training.command += ["--set", "train.steps=3000"]
    processes = training.pair(run)
    del training.command[-2:]
    wait_for(run / "checkpoints/step_00000006.npz", processes)
    processes[killed].kill()
    other = processes[1 - killed]
    message = other.communicate(timeout=100)[1]
    assert other.returncode == 2
    assert message.splitlines()[-1] == (
        f"error: {run}: another process of this training has ended; the same commands resume from "
        "the last checkpoint"
    )
    assert "Traceback" not in message and message.count("ended") == 1
