"""What XLA is asked for when training shall start soon."""

import importlib.metadata

import keras
import pytest

from ddsp_tf.training.quick_start import quick_start_flags

PARALLEL = "--xla_gpu_force_compilation_parallelism=16"


def test_flags_that_are_set_stay():
    flags = quick_start_flags("--xla_dump_to=dump --xla_gpu_autotune_level=2").split()
    assert flags[:2] == ["--xla_dump_to=dump", "--xla_gpu_autotune_level=2"]
    assert "--xla_gpu_enable_triton_gemm=false" in flags
    assert "--xla_gpu_autotune_level=0" not in flags


@pytest.mark.parametrize(
    ("backend", "version", "known"),
    [
        ("tensorflow", "2.19.0", True),
        ("tensorflow", "2.21.1", True),
        ("tensorflow", "2.22.0", False),
        ("tensorflow", "3.0.0", False),
        ("jax", "2.21.0", False),
    ],
)
def test_xla_gets_no_flag_that_it_may_not_know(backend, version, known, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    assert (PARALLEL in quick_start_flags().split()) == known
