"""A limit on the weights of a model, checked before they are allocated."""

import contextlib
import functools
import math
import threading
from collections.abc import Iterator

import keras

from ddsp_tf.errors import UserError

# Overlapping threads would restore each other's replacement of Keras's method.
_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def weights_limited(count: int, message: str) -> Iterator[None]:
    """Limits the memory that sizes from a file can request.

    Keras allocates weights while it builds a model, and has no hook for this. Only one thread at a
    time can be limited; others wait.

    Args:
        count: Largest total number of elements in the weights of the layers that this thread
            builds.
        message: Error message if they have more; shape and name of the layer are added.

    Raises:
        UserError: If a layer requests more.

    Example:
        >>> with weights_limited(10, "the model asks for more than 10 weights"):
        ...     keras.layers.Dense(4, name="output").build((None, 4))
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: the model asks for more than 10 weights: [4, 4] in layer 'output'
    """
    with _ONE_AT_A_TIME:
        add_weight = keras.layers.Layer.add_weight
        keras.layers.Layer.add_weight = _counting(add_weight, count, message)
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add_weight


def _counting(add_weight, left: int, message: str):
    thread = threading.get_ident()

    @functools.wraps(add_weight)
    def add_counted(layer, shape=None, *arguments, **options):
        nonlocal left
        if threading.get_ident() == thread:
            left -= math.prod(shape or ())
            if left < 0:
                raise UserError(f"{message}: {list(shape or ())} in layer {layer.name!r}")
        return add_weight(layer, shape, *arguments, **options)

    return add_counted
