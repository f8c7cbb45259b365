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
from ddsp_tf.training.metrics_log import MetricsLog
from ddsp_tf.training.run import train_run

BOTH = """
import sys
from ddsp_tf.errors import UserError
from ddsp_tf.training.run import train_run
data, folder, *overrides = sys.argv[1:]
for devices in (1, 2):
    train_run("demo", data, f"{folder}/{devices}", overrides=overrides, devices=devices, seed=3)
try:
    train_run("demo", data, f"{folder}/3", overrides=["train.batch_size=3"], devices=3)
except UserError as error:
    print(error)
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


@pytest.mark.parametrize("backend", DIVIDED)
def test_two_devices_train_as_one(backend, tiny_dataset, tiny_overrides, tmp_path):
    # All scales: with few of them the gradient follows single bins, which rounding moves more.
    scales = "MultiScaleSpectralLoss.fft_sizes=(2048, 1024, 512, 256, 128, 64)"
    overrides = [*tiny_overrides, scales, "train.log_every=1", "train.render_clips=0"]
    # JAX compiles as for users: plainly, as in other tests, gradients move by one in a hundred.
    flags = "--xla_force_host_platform_device_count=2"
    environment = os.environ | {"KERAS_BACKEND": backend, "XLA_FLAGS": flags}
    command = [sys.executable, "-c", DIVIDED[backend] + BOTH, tiny_dataset, tmp_path, *overrides]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "devices=3: 3 devices asked for, 2 found" in done.stdout
    assert not (tmp_path / "3").exists()
    logs = [MetricsLog(tmp_path / str(devices) / "logs/metrics.csv") for devices in (1, 2)]
    for column, rows in (("loss", 6), ("validation_loss", 3)):
        (steps, one), (_, two) = (log.column(column) for log in logs)
        assert len(steps) == rows
        np.testing.assert_allclose(two, one, rtol=5e-3)
    # Later gradients are of weights that rounding, and Adam's first steps, have led apart.
    one, two = (log.column("gradient_norm")[1][0] for log in logs)
    assert two == pytest.approx(one, rel=5e-3)


def test_a_batch_that_cannot_be_divided_is_refused(tiny_dataset, tiny_overrides, tmp_path):
    with pytest.raises(UserError, match=r"devices=2: 2 devices asked for, 1 found"):
        train_run("demo", tiny_dataset, tmp_path / "r", overrides=tiny_overrides, devices=2)
    assert not (tmp_path / "r").exists()
