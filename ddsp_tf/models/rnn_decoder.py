"""The recurrent decoder of the DDSP paper."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.models.decoder import Decoder
from ddsp_tf.models.gru import run_gru
from ddsp_tf.typing import Tensor

RNN_TYPES = {"gru": layers.GRU, "lstm": layers.LSTM}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class RnnDecoder(Decoder):
    """Scaled features -> raw controls, by dense stacks around a GRU or an LSTM.

    One dense stack per input, a recurrent layer over their concatenation, an output stack over its
    output and the input stacks', and a linear layer: the decoder of Engel et al., "DDSP" (ICLR
    2020). It runs over whole sequences or, with its state handed on, block by block.

    On TensorFlow with a GPU an LSTM is computed by cuDNN's kernel, which runs nowhere else. Whoever
    makes a graph for other machines sets `has_fused_kernel` to False before.

    Args:
        output_sizes: Channels of each output, by name, such as `{"amplitudes": 1, ...}`.
        input_names: Names of the inputs, in order.
        input_sizes: Channels of the inputs that have more than one, such as `{"z": 16}`.
        stack_channels: Units of the dense layers.
        stack_layers: Dense layers in each stack.
        rnn_channels: Units of the recurrent layer.
        rnn_type: "gru" or "lstm".
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from input name to [batch, frames, channels] scaled features.
        state: Optional [batch, state_size] state after the previous block; zeros if None. It has
            rnn_channels numbers; an LSTM's has twice as many, output and cell.

    Returns:
        Tuple of a dictionary from output name to [batch, frames, size], and the state after the
        last frame, [batch, state_size].

    Raises:
        ValueError: If there is no input or no output, or the type is another.

    Example:
        >>> decoder = RnnDecoder({"amplitudes": 1}, stack_channels=8, rnn_channels=8)
        >>> frame = ops.ones((1, 10, 1))
        >>> outputs, state = decoder({"f0_hz": frame, "loudness_db": frame})
        >>> outputs["amplitudes"].shape, state.shape
        (TensorShape([1, 10, 1]), TensorShape([1, 8]))
    """

    def __init__(
        self,
        output_sizes: Mapping[str, int],
        input_names: Sequence[str] = ("f0_hz", "loudness_db"),
        input_sizes: Mapping[str, int] | None = None,
        stack_channels: int = 512,
        stack_layers: int = 3,
        rnn_channels: int = 512,
        rnn_type: str = "gru",
        name: str = "decoder",
        **kwargs: Any,
    ):
        super().__init__(
            output_sizes, input_names, input_sizes, stack_channels, stack_layers, name, **kwargs
        )
        if rnn_type not in RNN_TYPES:
            raise ValueError(f"rnn_type={rnn_type!r}; expected one of {', '.join(RNN_TYPES)}")
        self.rnn_channels = rnn_channels
        self.rnn_type = rnn_type
        self.has_fused_kernel = rnn_type == "lstm" and _has_kernels()
        self.rnn = RNN_TYPES[rnn_type](rnn_channels, return_sequences=True, return_state=True)
        self.make_output_layers()

    @property
    def state_size(self) -> int:
        """Numbers in the state of one sequence."""
        return self.rnn_channels * (2 if self.rnn_type == "lstm" else 1)

    def build_trunk(self, channels: int) -> int:
        """Builds the recurrent layer."""
        self.rnn.build((None, None, channels))
        return self.rnn_channels

    def look_back(self, joined: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the recurrent layer."""
        if self.rnn_type == "gru":
            return run_gru(self.rnn, joined, state)
        self.rnn.use_cudnn = "auto" if self.has_fused_kernel else False
        parts = ops.split(state, self.state_size // self.rnn_channels, axis=-1)
        sequence, *parts = self.rnn(joined, initial_state=parts)
        return sequence, ops.cast(ops.concatenate(parts, axis=-1), "float32")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rnn_channels": self.rnn_channels,
            "rnn_type": self.rnn_type,
        }


def _has_kernels() -> bool:
    """Tells whether Keras's recurrent layers run as one kernel: on TensorFlow with a GPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
