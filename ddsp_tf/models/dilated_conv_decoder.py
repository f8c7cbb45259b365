"""A decoder with a fixed receptive field."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.models.decoder import Decoder
from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class DilatedConv(layers.Layer):
    """A gated residual layer with a dilated causal convolution.

    `x + W (tanh(u) sigmoid(v))`, where a causal convolution of the normalized inputs gives u and v:
    the layer of van den Oord et al., "WaveNet" (2016).

    Args:
        channels: Units, and channels of the inputs.
        kernel_size: Taps of the convolution, at least 2.
        dilation: Frames between two taps, at least 1.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Inputs [batch, frames, channels].
        history: Normalized inputs before the first frame [batch, look_back * channels].

    Returns:
        Tuple of [batch, frames, channels] and the new history.

    Raises:
        ValueError: If a number is too small.

    Example:
        >>> layer = DilatedConv(4, kernel_size=3, dilation=2)
        >>> outputs, history = layer(ops.ones((1, 10, 4)), ops.zeros((1, 16)))
        >>> outputs.shape, history.shape
        (TensorShape([1, 10, 4]), TensorShape([1, 16]))
    """

    def __init__(
        self, channels: int, kernel_size: int, dilation: int, name: str | None = None, **kwargs: Any
    ):
        super().__init__(name=name, autocast=False, **kwargs)
        if channels < 1 or kernel_size < 2 or dilation < 1:
            raise ValueError(
                f"channels={channels}, kernel_size={kernel_size}, dilation={dilation}; "
                "expected at least 1, 2 and 1"
            )
        self.channels = channels
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.look_back = (kernel_size - 1) * dilation
        self.norm = layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy)
        self.convolution = layers.Dense(2 * channels, dtype=self.dtype_policy)
        self.output_layer = layers.Dense(channels, dtype=self.dtype_policy)

    def build(self, inputs_shape: Any = None, history_shape: Any = None) -> None:
        """Builds the layers."""
        if self.built:
            return
        self.norm.build((None, None, self.channels))
        self.convolution.build((None, None, self.kernel_size * self.channels))
        self.output_layer.build((None, None, self.channels))
        self.built = True

    def call(self, inputs: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the outputs and the new history."""
        inputs, frames = ops.cast(inputs, self.compute_dtype), ops.shape(inputs)[1]
        normalized = self.norm(inputs)
        history = ops.reshape(history, (-1, self.look_back, self.channels))
        line = ops.concatenate([ops.cast(history, normalized.dtype), normalized], axis=1)
        # One matrix product over all frames: no backend has a faster causal convolution, and
        # TensorFlow has no gradient of a dilated one on CPUs.
        starts = range(0, self.look_back + 1, self.dilation)
        seen = ops.concatenate([line[:, start : start + frames] for start in starts], axis=-1)
        values, gates = ops.split(self.convolution(seen), 2, axis=-1)
        outputs = inputs + self.output_layer(ops.tanh(values) * ops.sigmoid(gates))
        history = ops.reshape(line[:, frames:], (-1, self.look_back * self.channels))
        return outputs, ops.cast(history, "float32")

    def compute_output_shape(self, inputs_shape: Any, history_shape: Any) -> tuple:
        """Returns the shapes of outputs and history, which are those of the inputs."""
        return tuple(inputs_shape), tuple(history_shape)

    def compute_output_spec(self, inputs: Any, history: Any) -> tuple:
        """Returns the symbolic outputs and history."""
        return (
            keras.KerasTensor(inputs.shape, self.compute_dtype),
            keras.KerasTensor(history.shape, "float32"),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
        }


@keras.saving.register_keras_serializable(package="ddsp_tf")
class DilatedConvDecoder(Decoder):
    """Scaled features -> raw controls, with dense stacks around layers of `DilatedConv`.

    Args:
        output_sizes: Channels of each output, by name, such as `{"amplitudes": 1, ...}`.
        input_names: Names of the inputs, in order.
        input_sizes: Channels of the inputs that have more than one, such as `{"z": 16}`.
        stack_channels: Units of the dense layers.
        stack_layers: Dense layers in each stack.
        conv_channels: Units of every convolution.
        conv_layers: Number of convolutions, at least 1.
        kernel_size: Taps of each convolution, in frames.
        dilations: Distance between these taps in frames, layer by layer, repeated as often as
            needed.
        name: Layer name.
        **kwargs: `instruments`, see `Decoder`, and further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from input name to [batch, frames, channels] scaled features.
        state: Optional [batch, (receptive_field - 1) * conv_channels] history after the previous
            block, layer by layer; zeros if None.

    Returns:
        Tuple of a dictionary from output name to [batch, frames, size], and the state after the
        last frame.

    Raises:
        ValueError: If there is no input, no output or no convolution, or a number is too small.

    Example:
        >>> decoder = DilatedConvDecoder({"amplitudes": 1}, stack_channels=8, conv_channels=8)
        >>> frame = ops.ones((1, 10, 1))
        >>> outputs, state = decoder({"f0_hz": frame, "loudness_db": frame})
        >>> outputs["amplitudes"].shape, decoder.receptive_field
        (TensorShape([1, 10, 1]), 485)
    """

    has_loop = False

    def __init__(
        self,
        output_sizes: Mapping[str, int],
        input_names: Sequence[str] = ("f0_hz", "loudness_db"),
        input_sizes: Mapping[str, int] | None = None,
        stack_channels: int = 512,
        stack_layers: int = 3,
        conv_channels: int = 128,
        conv_layers: int = 10,
        kernel_size: int = 3,
        dilations: Sequence[int] = (1, 3, 9, 27, 81),
        name: str = "decoder",
        **kwargs: Any,
    ):
        super().__init__(
            output_sizes, input_names, input_sizes, stack_channels, stack_layers, name, **kwargs
        )
        self.conv_channels = conv_channels
        self.conv_layers = conv_layers
        self.kernel_size = kernel_size
        self.dilations = tuple(dilations)
        if conv_layers < 1 or not self.dilations:
            raise ValueError(
                f"conv_layers={conv_layers}, dilations={dilations}; expected at least one"
            )
        self.input_layer = layers.Dense(conv_channels, dtype=self.dtype_policy)
        self.convolutions = [
            DilatedConv(conv_channels, kernel_size, self.dilations[n % len(self.dilations)])
            for n in range(conv_layers)
        ]
        self.make_output_layers()

    @property
    def receptive_field(self) -> int:
        """Number of frames that an output depends on, including its own."""
        return 1 + sum(layer.look_back for layer in self.convolutions)

    @property
    def state_size(self) -> int:
        """Size of the state of one sequence."""
        return (self.receptive_field - 1) * self.conv_channels

    def build_trunk(self, channels: int) -> int:
        """Builds the convolutions."""
        self.input_layer.build((None, None, channels))
        for layer in self.convolutions:
            layer.build()
        return self.conv_channels

    def look_back(self, joined: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the convolutions."""
        sequence, histories, start = self.input_layer(joined), [], 0
        for layer in self.convolutions:
            size = layer.look_back * self.conv_channels
            sequence, history = layer(sequence, state[:, start : start + size])
            histories.append(history)
            start += size
        return sequence, ops.concatenate(histories, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "conv_channels": self.conv_channels,
            "conv_layers": self.conv_layers,
            "kernel_size": self.kernel_size,
            "dilations": self.dilations,
        }
