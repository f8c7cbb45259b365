"""The processors and devices that are available for computation."""

import contextlib
import os

import keras


def processors() -> int:
    """Returns the number of processors that this process may use.

    Example:
        >>> processors() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_accelerator() -> bool:
    """Tells whether the backend sees a GPU or another accelerator.

    Example:
        >>> isinstance(has_accelerator(), bool)
        True
    """
    return not keras.distribution.list_devices()[0].startswith("cpu")


def on_cpu() -> contextlib.AbstractContextManager:
    """Returns a context in which the backend computes on a CPU of this process.

    JAX has no CPU with `JAX_PLATFORMS=cuda`; the context then changes nothing.

    Example:
        >>> with on_cpu():
        ...     float(keras.ops.add(1.0, 1.0))
        2.0
    """
    if keras.backend.backend() != "jax":
        return keras.device("cpu:0")
    import jax

    try:
        # The "cpu:0" of several processes belongs to the first one.
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:
        return contextlib.nullcontext()


def xla_pays() -> bool:
    """Tells whether whole training steps are faster when compiled with XLA.

    On JAX they always are. With TensorFlow they are on a single accelerator: on a CPU XLA is slower
    than TensorFlow's own kernels, and it cannot compile copies of a model on several devices.

    Example:
        >>> isinstance(xla_pays(), bool)
        True
    """
    if keras.backend.backend() == "jax":
        return True
    import tensorflow as tf

    return has_accelerator() and tf.distribute.get_strategy().num_replicas_in_sync == 1
