"""A batch divided over two devices gives the losses of one device, on both backends.

The devices are halves of this machine's processor, which a process must ask for before anything
runs: hence processes of their own.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.training import devices
from ddsp_tf.training.devices import memory_of_gpus, steps_at_a_time
from ddsp_tf.training.run import train_run

BOTH = """
import sys
from ddsp_tf.training.run import train_run
data, folder, *overrides = sys.argv[1:]
for devices in (1, 2):
    train_run("demo", data, f"{folder}/{devices}", overrides=overrides, devices=devices, seed=3)
"""
DIVIDED = {
    "tensorflow": """
import tensorflow as tf
(processor,) = tf.config.list_physical_devices("CPU")
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(processor, halves)
""",
    "jax": "",
}
AS_ON_GPUS = """
from ddsp_tf.training import devices, replicas
# Compiled, and several steps at a time.
devices.has_accelerator = replicas.has_accelerator = lambda: True
"""


@pytest.mark.long
@pytest.mark.parametrize("backend", DIVIDED)
def test_two_devices_train_as_one(backend, tiny_dataset, tiny_overrides, tmp_path):
    # Every device draws noise and pitch of its own: neither may be heard.
    overrides = [*tiny_overrides, "train.render_every=0", "train.pitch_jitter=0.0"]
    # Far below the norm of these gradients: each device alone would be clipped otherwise than all.
    overrides.append("train.gradient_norm=0.1")
    overrides += ["FilteredNoise.initial_bias=-40.0"]
    # All scales: with few of them the gradient follows single bins, which rounding moves more.
    overrides.append("MultiScaleSpectralLoss.fft_sizes=(2048, 1024, 512, 256, 128, 64)")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
    program = DIVIDED[backend] + AS_ON_GPUS + BOTH
    command = [sys.executable, "-c", program, tiny_dataset, tmp_path, *overrides]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    logs = [MetricsLog(tmp_path / str(devices) / "logs/metrics.csv") for devices in (1, 2)]
    for column, rows in (("loss", 2), ("validation_loss", 3)):
        (steps, one), (_, two) = (log.column(column) for log in logs)
        assert len(steps) == rows
        np.testing.assert_allclose(two, one, rtol=5e-3)


NOISE = """
import keras
from keras import ops
from ddsp_tf.training.devices import spread_over
from ddsp_tf.training.replicas import compile_replicas

class Noisy(keras.Model):
    def __init__(self):
        super().__init__()
        self.weight = self.add_weight(shape=(), initializer="zeros", name="weight")
        self.seeds = keras.random.SeedGenerator(5)
    def call(self, x, training=False):
        return self.weight * keras.random.uniform(ops.shape(x), seed=self.seeds)

with spread_over(2):
    model = Noisy()
    model.compile(keras.optimizers.SGD(1.0), lambda y, audio: ops.mean(audio, axis=-1))
    compile_replicas(model)
    model.fit(ops.ones((2, 1)), ops.ones((2, 1)), batch_size=2, epochs=2, verbose=0)
    drawn = [tf.random.stateless_uniform((1, 1), [5 + device, step])
             for device in range(2) for step in range(2)]
    assert abs(float(ops.sum(ops.stack(drawn))) / 2 + float(ops.copy(model.weight))) < 1e-6
"""


@pytest.mark.long
def test_each_device_draws_its_own_noise():
    program = DIVIDED["tensorflow"] + NOISE
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_more_devices_than_there_are_are_refused(tiny_dataset, tiny_overrides, tmp_path):
    with pytest.raises(UserError, match=r"devices=2: 2 devices asked for, 1 found"):
        train_run("demo", tiny_dataset, tmp_path / "r", overrides=tiny_overrides, devices=2)
    assert not (tmp_path / "r").exists()


def test_executions_fill_epochs_exactly(monkeypatch):
    assert steps_at_a_time(50, 1000) == 1
    monkeypatch.setattr(devices, "has_accelerator", lambda: True)
    assert [steps_at_a_time(*counts) for counts in ((50, 30000, 0), (50, 1005), (3, 7))] == [
        10,
        5,
        1,
    ]


def test_memory_is_what_nvidia_smi_says(monkeypatch):
    answers = {
        "--query-gpu=index,uuid,memory.free,memory.total": "0, GPU-a, 1024, 81920\n",
        "--query-compute-apps=gpu_uuid,pid,used_memory": "GPU-a, 71, 80000\nGPU-b, 9, [N/A]\n",
    }

    def run(command, **options):
        return subprocess.CompletedProcess(command, 0, stdout=answers[command[1]])

    assert memory_of_gpus() == ""
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", run)
    assert memory_of_gpus() == "GPU 0: 1.0 of 80.0 GiB free, process 71 holds 78.1 GiB"
