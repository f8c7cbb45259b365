"""Adds signals."""

from collections.abc import Sequence

import keras

from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Add(Processor):
    """Sum of any number of signals of equal length.

    Args:
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        *signals: Two or more [batch, samples].

    Example:
        >>> import numpy as np
        >>> Add()(np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 2))).numpy().tolist()
        [[3.0, 3.0]]
    """

    input_names = None

    def get_controls(self, *signals: Tensor) -> dict[str, Tensor]:
        """Returns the signals under one name."""
        return {"signals": signals}

    def get_signal(self, signals: Sequence[Tensor]) -> Tensor:
        """Returns their sum, [batch, samples]."""
        total = signals[0]
        for signal in signals[1:]:
            total = total + signal
        return total
