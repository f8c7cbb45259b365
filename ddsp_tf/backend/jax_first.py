"""Lets JAX find its GPU before TensorFlow, which reads the data, loads its own libraries.

With JAX for CUDA 13 and TensorFlow 2.21, JAX started after TensorFlow took TensorFlow's stubs of
the CUDA libraries for outdated versions, and fell back to the CPU. Packages whose modules import
TensorFlow import this module first; with another backend it does nothing.
"""

import os

# XLA then tunes matrix products only. With it, a step of `fast_dry` with 128 clips was compiled in
# 23 s on an H100, and took 25 ms; without it, compilation took minutes. Versions differ in their
# flags, and an unknown one ends the process.
_FLAGS = {"xla_gpu_experimental_enable_fusion_autotuner": "false"}
_VERSIONS = ("0.10.", "0.11.")


def _start() -> None:
    import jax

    from ddsp_tf.backend.kept_programs import keep_programs
    from ddsp_tf.backend.xla_environment import flags_added

    with flags_added(_FLAGS if jax.__version__.startswith(_VERSIONS) else {}):
        # Not on a CPU: compilation is fast there, and programs fit one processor's instructions
        # only.
        if jax.devices()[0].platform == "gpu":
            keep_programs()
            jax.jit(lambda x: x + 1.0)(0.0)


if os.environ.get("KERAS_BACKEND") == "jax":
    _start()
