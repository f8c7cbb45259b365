"""JAX starts before TensorFlow in commands, with a flag that nothing else gets."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("jax")

CODE = """
import os, sys
from ddsp_tf.app.cli.startup import _import_backend
_import_backend()
names = list(sys.modules)
print(names.index("ddsp_tf.backend.jax_first") < names.index("tensorflow"), end=" ")
print(os.environ.get("XLA_FLAGS"), int(sys.modules["jax"].jit(lambda x: x + 1)(41)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("given", ["", "--xla_cpu_multi_thread_eigen=true"])
def test_commands_import_jax_before_tensorflow(given):
    environment = {name: v for name, v in os.environ.items() if name != "XLA_FLAGS"}
    environment |= {"KERAS_BACKEND": "jax", **({"XLA_FLAGS": given} if given else {})}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", given or "None", "42"]
