"""Computing on the CPU where JAX has no CPU, or those of other processes."""

import contextlib
import os
import socket
import subprocess
import sys

import jax
import keras
import pytest
from plain_jax import plain_jax

from ddsp_tf.backend.placement import on_cpu

_PROCESS = """
import sys
import jax
jax.distributed.initialize(sys.argv[1], 2, int(sys.argv[2]))
from ddsp_tf.backend.placement import on_cpu
with on_cpu():
    assert jax.numpy.zeros(3).devices() == set(jax.local_devices())
"""


def test_jax_without_a_cpu_computes_where_it_can(monkeypatch):
    def missing(backend):
        raise RuntimeError(f"Unknown backend {backend}")

    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(jax, "local_devices", missing)
    assert isinstance(on_cpu(), contextlib.nullcontext)


@pytest.mark.slow
def test_each_of_several_processes_computes_on_its_own_cpu():
    with socket.create_server(("", 0)) as server:
        address = f"localhost:{server.getsockname()[1]}"
    environment = os.environ | plain_jax() | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    processes = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, address, str(number)], env=environment)
        for number in range(2)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
