"""A bound on what the layers of a model may ask for, before anything is allocated."""

import contextlib
import functools
import math
import threading
from collections.abc import Iterator

import keras

from ddsp_tf.errors import UserError


@contextlib.contextmanager
def weights_limited(count: int, message: str) -> Iterator[None]:
    """Keeps numbers in a file from asking for more memory than a limit.

    Keras allocates weights as it builds a model, and has no hook for this.

    Args:
        count: Numbers that all weights together may have, in layers built by this thread.
        message: What is wrong if they have more; shape and name of the layer are added.

    Raises:
        UserError: If a layer asks for more.

    Example:
        >>> with weights_limited(10, "the model asks for more than 10 weights"):
        ...     keras.layers.Dense(4, name="output").build((None, 4))
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: the model asks for more than 10 weights: [4, 4] in layer 'output'
    """
    add_weight, thread, left = keras.layers.Layer.add_weight, threading.get_ident(), count

    @functools.wraps(add_weight)
    def add_counted(layer, shape=None, *arguments, **options):
        nonlocal left
        if threading.get_ident() == thread:
            left -= math.prod(shape or ())
            if left < 0:
                raise UserError(f"{message}: {list(shape or ())} in layer {layer.name!r}")
        return add_weight(layer, shape, *arguments, **options)

    keras.layers.Layer.add_weight = add_counted
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight
