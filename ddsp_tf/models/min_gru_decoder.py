"""A decoder whose linear recurrence is solved for all frames at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ddsp_tf.backend.execution import TRAINING, Execution
from ddsp_tf.models.decoder import Decoder
from ddsp_tf.models.linear_recurrence import linear_recurrence
from ddsp_tf.typing import Tensor

# Memory of the channels of a new layer in frames, fastest and slowest.
_MEMORY = (2.0, 256.0)


@keras.saving.register_keras_serializable(package="ddsp_tf")
class MinGru(layers.Layer):
    """A residual layer of minimal gated recurrent units.

    `h[t] = (1 - z[t]) h[t - 1] + z[t] c[t]`, with `z = sigmoid(W x)` and `c = V x` of the
    normalized inputs x: gates do not depend on the state, so the recurrence is linear (Feng et al.,
    "Were RNNs all we needed?", 2024). It is computed in float32 under any policy. The gates'
    initial biases give channels different memories (Tallec and Ollivier, "Can recurrent neural
    networks warp time?", ICLR 2018).

    Args:
        channels: Units, and channels of the inputs.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Inputs [batch, frames, channels].
        state: State h before the first frame, float32 [batch, channels].

    Returns:
        Tuple of inputs + h, [batch, frames, channels], and the last h, [batch, channels] float32.

    Raises:
        ValueError: If there is no channel.

    Example:
        >>> outputs, state = MinGru(4)(ops.ones((1, 10, 4)), ops.zeros((1, 4)))
        >>> outputs.shape, state.shape
        (TensorShape([1, 10, 4]), TensorShape([1, 4]))
    """

    execution: Execution = TRAINING

    def __init__(self, channels: int, name: str | None = None, **kwargs: Any):
        super().__init__(name=name, autocast=False, **kwargs)
        if channels < 1:
            raise ValueError(f"channels={channels}; expected at least 1")
        self.channels = channels
        self.norm = layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy)
        self.gate = layers.Dense(channels, bias_initializer=_spread_memory, dtype=self.dtype_policy)
        self.candidate = layers.Dense(channels, dtype=self.dtype_policy)

    def build(self, inputs_shape: Any = None, state_shape: Any = None) -> None:
        """Builds the layers."""
        if self.built:
            return
        for layer in (self.norm, self.gate, self.candidate):
            layer.build((None, None, self.channels))
        self.built = True

    def call(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Returns inputs + h, and the last h."""
        inputs, state = ops.cast(inputs, self.compute_dtype), ops.cast(state, "float32")
        normalized = self.norm(inputs)
        gate = ops.cast(self.gate(normalized), "float32")
        candidate = ops.cast(self.candidate(normalized), "float32")
        # 1 - sigmoid(x) would lose digits of a slow decay.
        h = linear_recurrence(
            ops.sigmoid(-gate), ops.sigmoid(gate) * candidate, state, self.execution
        )
        return inputs + ops.cast(h, inputs.dtype), h[:, -1]

    def compute_output_shape(self, inputs_shape: Any, state_shape: Any) -> tuple:
        """Returns the shapes of outputs and state, which are those of the inputs."""
        return tuple(inputs_shape), tuple(state_shape)

    def compute_output_spec(self, inputs: Any, state: Any) -> tuple:
        """Returns the symbolic outputs and state."""
        return (
            keras.KerasTensor(inputs.shape, self.compute_dtype),
            keras.KerasTensor(state.shape, "float32"),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "channels": self.channels}


def _spread_memory(shape, dtype=None):
    frames = np.geomspace(*_MEMORY, shape[0])
    return ops.convert_to_tensor(-np.log(frames - 1.0), dtype=dtype)


@keras.saving.register_keras_serializable(package="ddsp_tf")
class MinGruDecoder(Decoder):
    """Scaled features -> raw controls, with dense stacks around layers of `MinGru`.

    Compared with the GRU of `RnnDecoder`, no frame waits for the previous one, so training takes a
    fraction of the time.

    Args:
        output_sizes: Channels of each output, by name, such as `{"amplitudes": 1, ...}`.
        input_names: Names of the inputs, in order.
        input_sizes: Channels of the inputs that have more than one, such as `{"z": 16}`.
        stack_channels: Units of the dense layers.
        stack_layers: Dense layers in each stack.
        rnn_channels: Units of every recurrent layer.
        rnn_layers: Number of recurrent layers, at least 1.
        name: Layer name.
        **kwargs: `instruments`, see `Decoder`, and further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from input name to [batch, frames, channels] scaled features.
        state: Optional [batch, rnn_layers * rnn_channels] state after the previous block; zeros
            if None.

    Returns:
        Tuple of a dictionary from output name to [batch, frames, size], and the state after the
        last frame.

    Raises:
        ValueError: If there is no input, no output or no recurrent layer.

    Example:
        >>> decoder = MinGruDecoder({"amplitudes": 1}, stack_channels=8, rnn_channels=8)
        >>> frame = ops.ones((1, 10, 1))
        >>> outputs, state = decoder({"f0_hz": frame, "loudness_db": frame})
        >>> outputs["amplitudes"].shape, state.shape
        (TensorShape([1, 10, 1]), TensorShape([1, 16]))
    """

    has_loop = False

    def __init__(
        self,
        output_sizes: Mapping[str, int],
        input_names: Sequence[str] = ("f0_hz", "loudness_db"),
        input_sizes: Mapping[str, int] | None = None,
        stack_channels: int = 512,
        stack_layers: int = 3,
        rnn_channels: int = 512,
        rnn_layers: int = 2,
        name: str = "decoder",
        **kwargs: Any,
    ):
        super().__init__(
            output_sizes, input_names, input_sizes, stack_channels, stack_layers, name, **kwargs
        )
        if rnn_layers < 1:
            raise ValueError(f"rnn_layers={rnn_layers}; expected at least 1")
        self.rnn_channels = rnn_channels
        self.rnn_layers = rnn_layers
        self.input_layer = layers.Dense(rnn_channels, dtype=self.dtype_policy)
        self.recurrent_layers = [
            MinGru(rnn_channels, dtype=self.dtype_policy) for _ in range(rnn_layers)
        ]
        self.make_output_layers()

    @property
    def state_size(self) -> int:
        """Size of the state of one sequence."""
        return self.rnn_layers * self.rnn_channels

    def build_trunk(self, channels: int) -> int:
        """Builds the recurrent layers."""
        self.input_layer.build((None, None, channels))
        for layer in self.recurrent_layers:
            layer.build()
        return self.rnn_channels

    def look_back(self, joined: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the recurrent layers."""
        sequence, states = self.input_layer(joined), []
        before = ops.split(state, self.rnn_layers, axis=-1)
        for layer, part in zip(self.recurrent_layers, before, strict=True):
            sequence, part = layer(sequence, part)
            states.append(part)
        return sequence, ops.concatenate(states, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rnn_channels": self.rnn_channels,
            "rnn_layers": self.rnn_layers,
        }
