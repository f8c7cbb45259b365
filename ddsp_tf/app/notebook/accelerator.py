"""The device that TensorFlow computes on, and advice if it is too slow."""

import os

from ddsp_tf.app.notebook.runtime import in_colab
from ddsp_tf.backend.native_output import quiet


def check_device(without: str = "") -> None:
    """Prints the device that TensorFlow computes on, and how to get a GPU if there is none.

    Afterwards TensorFlow prints only warnings below cells.

    Args:
        without: Sentence to add if there is no GPU: advice, or what to expect.

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
