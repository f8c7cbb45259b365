"""Dense layers as the networks of the DDSP paper use them."""

from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.models.lean_dense import EPSILON, activated, activated_dense, joined_dense
from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class DenseStack(layers.Layer):
    """A stack of dense layers, each with layer normalization and a leaky ReLU.

    For the backward pass a dense layer's output is kept, and what is made of it computed again.

    Args:
        channels: Units of every dense layer.
        n_layers: Number of dense layers, at least 1.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: [batch, frames, any number of channels].
        beside: Optional [batch, frames, any number of channels]: channels after those of
            `inputs`. Joining them first would take as much memory again.

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
            self.steps += [layers.Dense(channels), layers.LayerNormalization(epsilon=EPSILON)]

    def build(self, inputs_shape: Any, beside_shape: Any = None) -> None:
        """Builds the layers one after the other."""
        channels = inputs_shape[-1] + (beside_shape[-1] if beside_shape else 0)
        shape = (*inputs_shape[:-1], channels)
        for step in self.steps:
            step.build(shape)
            shape = step.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Tensor, beside: Tensor | None = None) -> Tensor:
        """Applies the layers."""
        kernel, bias = self._weights(self.steps[0])
        if beside is None:
            values = ops.matmul(inputs, kernel) + bias
        else:
            values = joined_dense(inputs, beside, kernel, bias)
        norm = self.steps[1]
        for dense, next_norm in zip(self.steps[2::2], self.steps[3::2], strict=True):
            values = activated_dense(values, *_scaling(norm), *self._weights(dense))
            norm = next_norm
        return activated(values, *_scaling(norm))

    def _weights(self, dense):
        return (ops.cast(weight.value, self.compute_dtype) for weight in (dense.kernel, dense.bias))

    def compute_output_shape(self, inputs_shape: Any, beside_shape: Any = None) -> Any:
        """Returns the input's shape with `channels` as its last dimension."""
        return (*inputs_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "channels": self.channels, "n_layers": self.n_layers}


def _scaling(norm):
    return (ops.cast(weight.value, "float32") for weight in (norm.gamma, norm.beta))
