"""TensorFlow and JAX compute the same outputs and gradients for the same inputs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backends import tensorflow_only
from every_output import every_output
from plain_jax import plain_jax
from tolerance import SUMS, assert_close, phases

from ddsp_tf import models, processors

PROGRAM = Path(__file__).parents[1] / "every_output.py"
pytestmark = tensorflow_only


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    path = tmp_path_factory.mktemp("jax") / "outputs.npz"
    environment = {**os.environ, **plain_jax(), "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, PROGRAM, path], env=environment, check=True)
    return every_output(), dict(np.load(path))


def test_outputs_and_gradients_agree(both):
    ours, theirs = both
    assert ours.keys() == theirs.keys()
    assert sum(name.endswith(": output") for name in ours) > 20
    for name, value in ours.items():
        peak = np.abs(value).max()
        assert value.std() > 0.01 * peak > 0.0, name
        # Frequencies up to 8 kHz come from `exp`, for 0.4 s.
        rounding = phases(8000.0, 0.4) if name.startswith("sinusoidal") else SUMS
        assert_close(theirs[name], value, rounding, err_msg=name)


@pytest.mark.parametrize("package", [processors, models])
def test_nothing_is_left_out(package):
    made = PROGRAM.read_text() + (PROGRAM.parent / "small_models.py").read_text()
    for name in package.__all__:
        if name != "Processor":
            assert re.search(rf"\b{name}\(|\(\s*{name},", made), name
