"""What XLA is asked for when training shall start soon."""

import keras
import pytest

from ddsp_tf.training.quick_start import start_quickly

PARALLEL = "--xla_gpu_force_compilation_parallelism=16"


def test_flags_that_are_set_stay():
    environment = {"XLA_FLAGS": "--xla_dump_to=dump --xla_gpu_autotune_level=2"}
    start_quickly(environment)
    flags = environment["XLA_FLAGS"].split()
    assert flags[:2] == ["--xla_dump_to=dump", "--xla_gpu_autotune_level=2"]
    assert "--xla_gpu_enable_triton_gemm=false" in flags
    assert "--xla_gpu_autotune_level=0" not in flags


@pytest.mark.parametrize(
    ("backend", "version", "known"),
    [
        ("tensorflow", "2.19.0", True),
        ("tensorflow", "2.21.1", True),
        ("tensorflow", "2.22.0", False),
        ("tensorflow", "2.22.0-dev20261101", False),
        ("tensorflow", "3.0.0", False),
        ("jax", "2.21.0", False),
    ],
)
def test_xla_gets_no_flag_that_it_may_not_know(backend, version, known, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr("tensorflow.__version__", version)
    environment: dict[str, str] = {}
    start_quickly(environment)
    assert (PARALLEL in environment["XLA_FLAGS"].split()) == known
