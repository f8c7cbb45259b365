"""A batch divided over two devices gives the losses of one device, on both backends.

The devices are halves of this machine's processor, which a process must ask for before anything
runs: hence processes of their own.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from backends import tensorflow_only

from ddsp_tf.errors import UserError
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.training.run import train_run

pytestmark = pytest.mark.slow

BOTH = """
import os
import sys
from ddsp_tf.errors import UserError
from ddsp_tf.training.quick_start import start_quickly
from ddsp_tf.training.run import train_run
# A flag of a quick start that XLA did not know would stop the process.
start_quickly(os.environ)
data, folder, *overrides = sys.argv[1:]
for devices in (1, 2):
    train_run("demo", data, f"{folder}/{devices}", overrides=overrides, devices=devices, seed=3)
try:
    train_run("demo", data, f"{folder}/3", overrides=["train.batch_size=3"], devices=3)
except UserError as error:
    print(error)
"""
STEPS = """
import os
import sys
import keras
import numpy as np
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.training import tensorflow_step
from ddsp_tf.training.objective import Objective
from ddsp_tf.training.quick_start import start_quickly
from ddsp_tf.training.step import TrainingStep, scope
# A flag of a quick start that XLA did not know would stop the process.
start_quickly(os.environ)
folder, *overrides = sys.argv[1:]
# What changes the weights is compiled, as on graphics processors; the rest would take a minute.
def compiled(function):
    changes = function.__name__.startswith("_apply")
    return tf.function(function, jit_compile=True, autograph=False) if changes else function
tensorflow_step.compile_on_gpu = compiled
generator = np.random.default_rng(0)
batch = {
    "audio": generator.normal(0.0, 0.1, (4, 20 * 160)).astype(np.float32),
    "f0_hz": generator.uniform(200.0, 400.0, (4, 20)).astype(np.float32),
    "loudness_db": generator.uniform(-40.0, -20.0, (4, 20)).astype(np.float32),
}
for devices in (1, 2):
    with scope(devices):
        experiment = load_experiment("demo", overrides, seed=3)
        experiment.model.build()
        # The weights move as far as the gradient is long: Adam would hide its length.
        optimizer = keras.optimizers.SGD(1e-3, momentum=0.9, use_ema=True, ema_momentum=0.5)
        objective = Objective(experiment.model, experiment.loss)
        step = TrainingStep(objective, optimizer, gradient_norm=2.0, seed=0, devices=devices)
        rows = [np.asarray(step.run(batch, number)) for number in range(3)]
        with step.weights_to_keep():
            kept = {name: array.copy() for name, array in step.arrays().items()}
        kept = {f"kept/{name}": array for name, array in kept.items()}
        steps = step.steps_done()
        np.savez(f"{folder}/{devices}", rows=rows, steps=steps, **step.arrays(), **kept)
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
    overrides = [*tiny_overrides, "train.log_every=1", "train.render_clips=0"]
    if backend == "jax":
        # All scales: with few of them the gradient follows single bins, which rounding moves more.
        # And compiled as for users: plainly, as in other tests, gradients move by one in a hundred.
        overrides.append("MultiScaleSpectralLoss.fft_sizes=(2048, 1024, 512, 256, 128, 64)")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }
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


@tensorflow_only
def test_two_devices_change_the_weights_as_one(tiny_overrides, tmp_path):
    command = [sys.executable, "-c", DIVIDED["tensorflow"] + STEPS, tmp_path, *tiny_overrides]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "1.npz") as one, np.load(tmp_path / "2.npz") as two:
        assert int(two["steps"]) == 3
        assert set(one.files) == set(two.files)
        for name in one.files:
            # Single bins of the loss change sides by rounding; twice the gradient would be far off.
            distance = np.linalg.norm(two[name] - one[name])
            assert distance <= 0.1 * np.linalg.norm(one[name]), name


def test_a_batch_that_cannot_be_divided_is_refused(tiny_dataset, tiny_overrides, tmp_path):
    with pytest.raises(UserError, match=r"devices=2: 2 devices asked for, 1 found"):
        train_run("demo", tiny_dataset, tmp_path / "r", overrides=tiny_overrides, devices=2)
    assert not (tmp_path / "r").exists()
