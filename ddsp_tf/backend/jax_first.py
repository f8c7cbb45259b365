"""Lets JAX find its GPU before TensorFlow, which reads the data, loads its own libraries.

With JAX for CUDA 13 and TensorFlow 2.21, JAX started after TensorFlow took TensorFlow's stubs of
the CUDA libraries for outdated versions, and fell back to the CPU. Packages whose modules import
TensorFlow import this module first; with another backend it does nothing.
"""

import os

if os.environ.get("KERAS_BACKEND") == "jax":
    import jax

    from ddsp_tf.backend.kept_programs import keep_programs

    # Not on a CPU: compilation is fast there, and programs fit one processor's instructions only.
    if jax.devices()[0].platform == "gpu":
        keep_programs()
