"""Layer normalization whose scale and offset depend on the instrument."""

from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class ConditionalNormalization(layers.Layer):
    """Layer normalization with a scale and an offset per instrument.

    The scales and offsets of all normalizations in a network form the learned vector of an
    instrument. A mixture of instruments uses the weighted mean of their vectors (Dumoulin et al.,
    "A learned representation for artistic style", ICLR 2017; a special case of Perez et al.,
    "FiLM", AAAI 2018).

    Args:
        n_instruments: Number of instruments, at least 1.
        epsilon: Small number added to the variance.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Inputs [batch, frames, channels].
        instrument: Weights of the instruments [batch, frames or 1, n_instruments], which add up to
            1.

    Returns:
        [batch, frames, channels].

    Raises:
        ValueError: If there is no instrument.

    Example:
        >>> norm = ConditionalNormalization(n_instruments=2)
        >>> norm(ops.ones((1, 5, 3)), ops.convert_to_tensor([[[0.5, 0.5]]])).shape
        TensorShape([1, 5, 3])
    """

    def __init__(
        self, n_instruments: int, epsilon: float = 1e-5, name: str | None = None, **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        if n_instruments < 1:
            raise ValueError(f"n_instruments={n_instruments}; expected at least 1")
        self.n_instruments = n_instruments
        self.epsilon = epsilon
        self.norm = layers.LayerNormalization(
            epsilon=epsilon, center=False, scale=False, dtype=self.dtype_policy
        )

    def build(self, inputs_shape: Any, instrument_shape: Any = None) -> None:
        """Creates scales and offsets, in the order of `keras.layers.LayerNormalization`."""
        shape = (self.n_instruments, inputs_shape[-1])
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        self.norm.build(inputs_shape)
        self.built = True

    def call(self, inputs: Tensor, instrument: Tensor) -> Tensor:
        """Normalizes, scales and shifts."""
        gamma, beta = (ops.matmul(instrument, weight) for weight in (self.gamma, self.beta))
        return self.norm(inputs) * gamma + beta

    def compute_output_shape(self, inputs_shape: Any, instrument_shape: Any = None) -> Any:
        """Returns the inputs' shape."""
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {"n_instruments": self.n_instruments, "epsilon": self.epsilon}
        return {**super().get_config(), **config}
