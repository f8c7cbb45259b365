"""The recurrent decoder of the DDSP paper."""

import keras
from keras import layers, ops


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

    Example:
        >>> DenseStack(channels=8, n_layers=2)(ops.ones((1, 5, 3))).shape
        TensorShape([1, 5, 8])
    """

    def __init__(self, channels, n_layers, name=None, **kwargs):
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

    def build(self, input_shape):
        """Builds the layers one after the other."""
        shape = tuple(input_shape)
        for step in self.steps:
            step.build(shape)
            shape = step.compute_output_shape(shape)
        self.built = True

    def call(self, inputs):
        """Applies the layers."""
        for step in self.steps:
            inputs = step(inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        """Returns the input's shape with `channels` as its last dimension."""
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "channels": self.channels, "n_layers": self.n_layers}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class RnnDecoder(layers.Layer):
    """Scaled features -> raw controls, by dense stacks around a GRU.

    One dense stack per input, a GRU over their concatenation, an output stack over the GRU's
    output and the input stacks', and a linear layer: the decoder of Engel et al., "DDSP" (ICLR
    2020). It runs over whole sequences or, with its state handed on, block by block.

    Args:
        output_sizes: Channels of each output, by name, such as `{"amplitudes": 1, ...}`.
        input_names: Names of the inputs, in order.
        stack_channels: Units of the dense layers.
        stack_layers: Dense layers in each stack.
        rnn_channels: Units of the GRU.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from input name to [batch, frames, 1] scaled features.
        state: Optional [batch, rnn_channels] state after the previous block; zeros if None.

    Returns:
        Tuple of a dictionary from output name to [batch, frames, size], and the state after the
        last frame, [batch, rnn_channels].

    Raises:
        ValueError: If there is no input or no output.

    Example:
        >>> decoder = RnnDecoder({"amplitudes": 1}, stack_channels=8, rnn_channels=8)
        >>> frame = ops.ones((1, 10, 1))
        >>> outputs, state = decoder({"f0_hz": frame, "loudness_db": frame})
        >>> outputs["amplitudes"].shape, state.shape
        (TensorShape([1, 10, 1]), TensorShape([1, 8]))
    """

    def __init__(
        self,
        output_sizes,
        input_names=("f0_hz", "loudness_db"),
        stack_channels=512,
        stack_layers=3,
        rnn_channels=512,
        name="decoder",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.output_sizes = dict(output_sizes)
        self.input_names = tuple(input_names)
        if not self.output_sizes or not self.input_names:
            raise ValueError(
                f"output_sizes={output_sizes}, input_names={input_names}; expected at least one"
            )
        self.stack_channels = stack_channels
        self.stack_layers = stack_layers
        self.rnn_channels = rnn_channels
        self.input_stacks = [
            DenseStack(stack_channels, stack_layers, name=f"{key}_stack")
            for key in self.input_names
        ]
        self.rnn = layers.GRU(rnn_channels, return_sequences=True, return_state=True)
        self.output_stack = DenseStack(stack_channels, stack_layers, name="output_stack")
        self.output_layer = layers.Dense(sum(self.output_sizes.values()))

    def build(self, inputs_shape=None, state_shape=None):
        """Builds all layers; every input has one channel."""
        if self.built:
            return
        for stack in self.input_stacks:
            stack.build((None, None, 1))
        joined = self.stack_channels * len(self.input_stacks)
        self.rnn.build((None, None, joined))
        self.output_stack.build((None, None, joined + self.rnn_channels))
        self.output_layer.build((None, None, self.stack_channels))
        self.built = True

    def initial_state(self, batch_size):
        """Returns the state before the first frame, [batch, rnn_channels] zeros."""
        return ops.zeros((batch_size, self.rnn_channels))

    def call(self, inputs, state=None):
        """Returns raw controls by name, and the state after the last frame."""
        stacks = [
            stack(inputs[key])
            for key, stack in zip(self.input_names, self.input_stacks, strict=True)
        ]
        joined = ops.concatenate(stacks, axis=-1)
        sequence, state = self.rnn(joined, initial_state=state)
        outputs = self.output_stack(ops.concatenate([joined, sequence], axis=-1))
        outputs = self.output_layer(outputs)
        split, start = {}, 0
        for key, size in self.output_sizes.items():
            split[key] = outputs[:, :, start : start + size]
            start += size
        return split, state

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "output_sizes": self.output_sizes,
            "input_names": self.input_names,
            "stack_channels": self.stack_channels,
            "stack_layers": self.stack_layers,
            "rnn_channels": self.rnn_channels,
        }
