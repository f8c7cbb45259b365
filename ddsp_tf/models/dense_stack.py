"""The stacks of dense layers in the networks of the DDSP paper."""

from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.models.conditional_normalization import ConditionalNormalization
from ddsp_tf.typing import Tensor

_EPSILON = 1e-5
_SLOPE = 0.2


@keras.saving.register_keras_serializable(package="ddsp_tf")
class DenseStack(layers.Layer):
    """A stack of dense layers, each with layer normalization and a leaky ReLU of slope 0.2.

    Args:
        channels: Units of every dense layer, at least 1.
        n_layers: Number of dense layers, at least 1.
        n_instruments: Number of instruments, each with its own scale and offset in the
            normalizations (see `ConditionalNormalization`); 0 for a stack without instruments.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Inputs [batch, frames, any number of channels].
        beside: Further inputs [batch, frames, any number of channels], optional, concatenated to
            the first.
        instrument: Weights of the instruments [batch, frames or 1, n_instruments], which add up to
            1, if there are instruments.

    Returns:
        [batch, frames, channels].

    Raises:
        ValueError: If a number is below 1.

    Example:
        >>> import numpy as np
        >>> DenseStack(channels=8, n_layers=2)(np.ones((1, 5, 3))).shape
        TensorShape([1, 5, 8])
    """

    def __init__(
        self,
        channels: int,
        n_layers: int,
        n_instruments: int = 0,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if channels < 1 or n_layers < 1:
            raise ValueError(f"channels={channels}, n_layers={n_layers}; expected at least 1")
        self.channels = channels
        self.n_layers = n_layers
        self.n_instruments = n_instruments
        self.steps = []
        options = {"epsilon": _EPSILON, "dtype": self.dtype_policy}
        for _ in range(n_layers):
            self.steps.append(layers.Dense(channels, dtype=self.dtype_policy))
            if n_instruments:
                self.steps.append(ConditionalNormalization(n_instruments, **options))
            else:
                self.steps.append(layers.LayerNormalization(**options))

    def build(
        self, inputs_shape: Any, beside_shape: Any = None, instrument_shape: Any = None
    ) -> None:
        """Builds the layers in order."""
        channels = inputs_shape[-1] + (beside_shape[-1] if beside_shape else 0)
        shape = (*inputs_shape[:-1], channels)
        for step in self.steps:
            step.build(shape)
            shape = step.compute_output_shape(shape)
        self.built = True

    def call(
        self, inputs: Tensor, beside: Tensor | None = None, instrument: Tensor | None = None
    ) -> Tensor:
        """Applies the layers."""
        condition = (instrument,) if self.n_instruments else ()
        values = inputs if beside is None else ops.concatenate([inputs, beside], axis=-1)
        for dense, norm in zip(self.steps[::2], self.steps[1::2], strict=True):
            values = ops.leaky_relu(norm(dense(values), *condition), negative_slope=_SLOPE)
        return values

    def compute_output_shape(
        self, inputs_shape: Any, beside_shape: Any = None, instrument_shape: Any = None
    ) -> Any:
        """Returns the input's shape with `channels` as its last dimension."""
        return (*inputs_shape[:-1], self.channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("channels", "n_layers", "n_instruments")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
