"""Which processor TensorFlow computes on, said so that a musician knows what to do."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ddsp_tf.app.notebook.runtime import in_colab


def check_device(without: str = "") -> None:
    """Prints what TensorFlow computes on, and how to get a GPU if there is none.

    From then on TensorFlow writes nothing below cells but warnings.

    Args:
        without: Sentence that says what to do, or what to expect, without a GPU.

    Example:
        >>> check_device("A minute of sound takes a few seconds.")  # doctest: +SKIP
        No GPU: TensorFlow computes on 2 processor cores. A minute of sound takes a few seconds.
    """
    with quiet():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    tf.get_logger().setLevel("WARNING")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        print(f"GPU: {details.get('device_name', gpus[0].name)}.")
        return
    print(f"No GPU: TensorFlow computes on {os.cpu_count()} processor cores. {without}".strip())
    if in_colab():
        print("For one: menu Runtime > Change runtime type > T4 GPU, then Run all again.")


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what TensorFlow's native code writes out of the cell while the block runs.

    In a notebook, what Python writes still shows.

    Example:
        >>> with quiet():
        ...     os.write(2, b"from native code") > 0
        True
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
