"""Lets JAX find its GPU before TensorFlow, which reads the data, loads libraries of its own.

Seen with JAX for CUDA 13 beside TensorFlow 2.21: after TensorFlow, JAX took its stand-ins for
CUDA's libraries for outdated ones, and fell back to the CPU. Packages whose modules import
TensorFlow import this module first; with another backend it does nothing.
"""

import os

if os.environ.get("KERAS_BACKEND") == "jax":
    import jax

    jax.devices()
