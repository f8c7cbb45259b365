"""Functions whose gradients are written by hand."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator

from keras import ops

from ddsp_tf.typing import Tensor

_here = threading.local()


def custom_gradient(function: Callable) -> Callable:
    """Makes a function differentiable by its own rule, as `keras.ops.custom_gradient` does.

    Inside `forward_only` its operations are left as they are.

    Args:
        function: Takes tensors, and returns a tensor and the function from the gradient of that
            to the gradients of all arguments.

    Returns:
        The function from tensors to a tensor.

    Example:
        >>> import numpy as np
        >>> @custom_gradient
        ... def square(x):
        ...     return x * x, lambda upstream: upstream * 2.0 * x
        >>> float(square(np.float32(3.0)))
        9.0
    """
    differentiable = ops.custom_gradient(function)

    @functools.wraps(function)
    def play(*arguments: Tensor) -> Tensor:
        if is_forward_only():
            return function(*arguments)[0]
        return differentiable(*arguments)

    return play


def is_forward_only() -> bool:
    """Tells whether this is inside `forward_only`, where no gradient will be asked for.

    Returns:
        True inside.

    Example:
        >>> with forward_only():
        ...     is_forward_only()
        True
    """
    return getattr(_here, "forward_only", False)


@contextlib.contextmanager
def forward_only() -> Iterator[None]:
    """Leaves hand-written gradients out of the graphs that are made inside.

    TensorFlow stores them with a SavedModel, half as much again as the model's own graphs, or
    else warns of their absence whenever it is loaded.

    Example:
        >>> import numpy as np
        >>> with forward_only():
        ...     value = custom_gradient(lambda x: (2 * x, None))(np.float32(3.0))
        >>> float(value)
        6.0
    """
    before = is_forward_only()
    _here.forward_only = True
    try:
        yield
    finally:
        _here.forward_only = before
