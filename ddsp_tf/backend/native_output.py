"""Suppresses output of native libraries to standard error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Discards what native code writes to standard error while the block runs.

    In a notebook, Python's own output is still shown.

    Example:
        >>> with quiet():
        ...     os.write(2, b"from native code") > 0
        True
    """
    _flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        _flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
