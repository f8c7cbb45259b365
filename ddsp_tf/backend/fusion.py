"""Which of two equal forms of a sum suits the machine that will compute it."""

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
    if getattr(_here, "for_any_machine", False):
        return False
    return not keras.distribution.list_devices()[0].startswith("cpu")


@contextlib.contextmanager
def for_any_machine() -> Iterator[None]:
    """Makes the graphs inside as for a CPU: an exported model plays on other machines."""
    before = getattr(_here, "for_any_machine", False)
    _here.for_any_machine = True
    try:
        yield
    finally:
        _here.for_any_machine = before
