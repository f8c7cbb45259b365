"""Division of a batch among the devices of a `keras.distribution`, on JAX."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from ddsp_tf.typing import Tensor


def by_clip(function: Callable[..., Any], *tensors: Tensor) -> Any:
    """Computes a function of each clip on the device that holds the clip.

    Under `keras.distribution` on JAX, XLA sends whole batches to every device for operations that
    it cannot divide, such as Fourier transforms. Otherwise the function is simply called.

    Args:
        function: Function of tensors that computes every clip in the same way, independently of the
            others.
        *tensors: Tensors of any shapes [batch, ...].

    Returns:
        Results of the function: tensors [batch, ...].

    Example:
        >>> from keras import ops
        >>> by_clip(ops.exp, ops.zeros((2, 3))).shape
        TensorShape([2, 3])
    """
    distribution = keras.distribution.distribution()
    if distribution is None or keras.backend.backend() != "jax":
        return function(*tensors)
    import jax

    mesh = distribution.device_mesh
    traced = isinstance(tensors[0], jax.core.Tracer)
    if not traced or tensors[0].shape[0] % mesh.devices.size:
        return function(*tensors)
    clips = jax.sharding.PartitionSpec(distribution.batch_dim_name)
    divided = jax.shard_map(function, mesh=mesh.backend_mesh, in_specs=clips, out_specs=clips)
    return divided(*tensors)


@contextlib.contextmanager
def undivided() -> Iterator[None]:
    """Creates models and computes on one device of this process while the block runs.

    Example:
        >>> with undivided():
        ...     layer = keras.layers.Dense(1)
    """
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
