"""Which of two equal forms of a computation suits the machine that will do it."""

import contextlib
import threading
from collections.abc import Iterator

import keras

_here = threading.local()


def sums_are_fused() -> bool:
    """Tells whether a sum of products is computed without storing the products.

    On accelerators, whose compiler keeps them in registers, many plain operations are cheaper
    than fewer ones that wait for memory. CPUs store every product.

    Returns:
        True on an accelerator, unless inside `for_any_machine`.

    Example:
        >>> with for_any_machine():
        ...     sums_are_fused()
        False
    """
    return not for_any_machine_now() and not keras.distribution.list_devices()[0].startswith("cpu")


def for_any_machine_now() -> bool:
    """Tells whether what is computed is inside `for_any_machine`.

    Example:
        >>> for_any_machine_now()
        False
    """
    return getattr(_here, "for_any_machine", False)


@contextlib.contextmanager
def for_any_machine() -> Iterator[None]:
    """Makes the graphs inside as for a CPU, and of operators that LiteRT has.

    Exports are made inside. Whoever converts processors to LiteRT by other means does the same.

    Example:
        >>> import tensorflow as tf
        >>> from ddsp_tf import Reverb
        >>> play = tf.function(Reverb(length=100), [tf.TensorSpec([1, 400], tf.float32)])
        >>> with for_any_machine():
        ...     graph = play.get_concrete_function()
        >>> any(operation.type == "IRFFT" for operation in graph.graph.get_operations())
        False
    """
    before = for_any_machine_now()
    _here.for_any_machine = True
    try:
        yield
    finally:
        _here.for_any_machine = before
