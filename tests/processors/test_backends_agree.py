"""TensorFlow and JAX make the same audio of the same inputs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backends import tensorflow_only
from every_output import every_output
from plain_jax import plain_jax

from ddsp_tf import processors

PROGRAM = Path(__file__).parents[1] / "every_output.py"
# A phase is a sum, and sines of it are far apart where the sum is a little off.
SUMS_OF_PHASE = ("harmonic", "harmonic, filtered", "inharmonic", "sinusoidal", "wavetable")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    path = tmp_path_factory.mktemp("jax") / "outputs.npz"
    environment = {**os.environ, **plain_jax(), "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, PROGRAM, path], env=environment, check=True)
    return every_output(), dict(np.load(path))


@tensorflow_only
def test_outputs_agree(both):
    ours, theirs = both
    assert ours.keys() == theirs.keys() and len(ours) == 15
    for name, value in ours.items():
        scale = np.abs(value).max()
        assert value.std() > 0.01 * scale > 0.0, name
        tolerance = 1e-3 if name in SUMS_OF_PHASE else 1e-5
        np.testing.assert_allclose(
            theirs[name], value, rtol=0.0, atol=tolerance * max(scale, 1.0), err_msg=name
        )


@tensorflow_only
def test_no_processor_is_left_out():
    found = PROGRAM.read_text()
    for name in processors.__all__:
        if name not in ("Processor", "ProcessorGroup"):
            assert f"processors.{name}(" in found, name
