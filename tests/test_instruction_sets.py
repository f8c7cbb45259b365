"""A part of the suite with the instruction sets of older processors."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from backends import tensorflow_only

ROOT = Path(__file__).parents[1]
PART = (
    "tests/dsp",
    "tests/models/test_gru.py",
    "tests/models/test_linear_recurrence.py",
    "tests/processors/test_harmonic.py",
    "tests/processors/test_sinusoidal.py",
)


@tensorflow_only
@pytest.mark.long
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="instruction sets of x86 processors"
)
@pytest.mark.parametrize(
    "settings",
    [
        {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
        {"KERAS_BACKEND": "tensorflow", "ONEDNN_MAX_CPU_ISA": "SSE41"},
        {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0"},
    ],
    ids=lambda settings: ",".join(settings.values()),
)
def test_tolerances_hold_with(settings):
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    # Half precision is beyond them: XLA has no float16 then, and TensorFlow 2.21 crashes.
    command += ["-k", "not half_precision"]
    environment = {**os.environ, **settings}
    done = subprocess.run(
        [*command, *PART], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
