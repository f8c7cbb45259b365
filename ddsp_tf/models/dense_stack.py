"""Dense layers as the networks of the DDSP paper use them."""

from typing import Any

import keras
from keras import layers

from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class DenseStack(layers.Layer):
    """A stack of dense layers, each with layer normalization and a leaky ReLU.

    Args:
        channels: Units of every dense layer.
        n_layers: Number of dense layers, at least 1.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: [batch, frames, any number of channels].

    Returns:
        [batch, frames, channels].

    Raises:
        ValueError: If a number is below 1.

    Example:
        >>> import numpy as np
        >>> DenseStack(channels=8, n_layers=2)(np.ones((1, 5, 3))).shape
        TensorShape([1, 5, 8])
    """

    def __init__(self, channels: int, n_layers: int, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if channels < 1 or n_layers < 1:
            raise ValueError(f"channels={channels}, n_layers={n_layers}; expected at least 1")
        self.channels = channels
        self.n_layers = n_layers
        self.steps = []
        for _ in range(n_layers):
            self.steps += [
                layers.Dense(channels),
                layers.LayerNormalization(epsilon=1e-5),
                layers.LeakyReLU(negative_slope=0.2),
            ]

    def build(self, input_shape: Any) -> None:
        """Builds the layers one after the other."""
        shape = tuple(input_shape)
        for step in self.steps:
            step.build(shape)
            shape = step.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Applies the layers."""
        for step in self.steps:
            inputs = step(inputs)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the input's shape with `channels` as its last dimension."""
        return (*input_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "channels": self.channels, "n_layers": self.n_layers}
