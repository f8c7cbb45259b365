"""The recurrent decoder of the DDSP paper."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from ddsp_tf.models.decoder import Decoder
from ddsp_tf.models.gru import run_gru
from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class RnnDecoder(Decoder):
    """Scaled features -> raw controls, with dense stacks around a GRU.

    It consists of one dense stack per input, a GRU over their concatenation, an output stack over
    the outputs of the GRU and the input stacks, and a linear layer: the decoder of Engel et al.,
    "DDSP" (ICLR 2020). It runs over whole sequences or, with its state passed on, block by block.

    Args:
        output_sizes: Channels of each output, by name, such as `{"amplitudes": 1, ...}`.
        input_names: Names of the inputs, in order.
        input_sizes: Channels of the inputs that have more than one, such as `{"z": 16}`.
        stack_channels: Units of the dense layers.
        stack_layers: Dense layers in each stack.
        rnn_channels: Units of the GRU.
        name: Layer name.
        **kwargs: `instruments`, see `Decoder`, and further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from input name to [batch, frames, channels] scaled features.
        state: Optional [batch, rnn_channels] state after the previous block; zeros if None.

    Returns:
        Tuple of a dictionary from output name to [batch, frames, size], and the state after the
        last frame, [batch, rnn_channels].

    Raises:
        ValueError: If there is no input or no output.

    Example:
        >>> import numpy as np
        >>> decoder = RnnDecoder({"amplitudes": 1}, stack_channels=8, rnn_channels=8)
        >>> frame = np.ones((1, 10, 1))
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
        name: str = "decoder",
        **kwargs: Any,
    ):
        super().__init__(
            output_sizes, input_names, input_sizes, stack_channels, stack_layers, name, **kwargs
        )
        self.rnn_channels = rnn_channels
        # If the cuDNN kernel were allowed, Keras would not let XLA compile the model.
        self.rnn = layers.GRU(
            rnn_channels,
            return_sequences=True,
            return_state=True,
            use_cudnn=False,
            dtype=self.dtype_policy,
        )
        self.make_output_layers()

    @property
    def state_size(self) -> int:
        """Size of the state of one sequence."""
        return self.rnn_channels

    def build_trunk(self, channels: int) -> int:
        """Builds the GRU."""
        self.rnn.build((None, None, channels))
        return self.rnn_channels

    def look_back(self, joined: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the GRU."""
        return run_gru(self.rnn, joined, state, self.execution)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "rnn_channels": self.rnn_channels}
