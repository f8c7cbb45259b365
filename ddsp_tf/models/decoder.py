"""Base class of decoders."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from ddsp_tf.backend.execution import TRAINING, Execution
from ddsp_tf.models.dense_stack import DenseStack
from ddsp_tf.models.ensemble import checked_instruments, played_mixture
from ddsp_tf.typing import Tensor


class Decoder(layers.Layer):
    """Scaled features -> raw controls: dense stacks around a trunk, which has memory.

    It consists of one dense stack per input, the trunk over their concatenation, an output stack
    over both, and a linear layer, as the decoder of Engel et al., "DDSP" (ICLR 2020). Subclasses
    provide the trunk: they create it in the constructor, between `super().__init__` and
    `make_output_layers`, and implement `state_size`, `build_trunk` and `look_back`.

    Args:
        output_sizes: Channels of each output, by name, such as `{"amplitudes": 1, ...}`.
        input_names: Names of the inputs, in order.
        input_sizes: Channels of the inputs that have more than one, such as `{"z": 16}`.
        stack_channels: Units of the dense layers.
        stack_layers: Dense layers in each stack.
        instruments: Names of the instruments, each with its own scale and offset in the
            normalizations of the dense stacks; empty for a decoder of one instrument.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from input name to [batch, frames, channels] scaled features. With
            instruments, it may contain "instrument", [batch, frames or 1, instruments], the weights
            of a mixture; otherwise the instruments are mixed in equal shares.
        state: Optional [batch, state_size] state after the previous block; zeros if None.

    Returns:
        Tuple of a dictionary from output name to [batch, frames, size], and the state after the
        last frame, [batch, state_size].

    Raises:
        ValueError: If there is no input or no output, a size belongs to no input, or the name of an
            instrument is not allowed; when called, if an input is missing or has another shape.
    """

    # Selects implementations; not part of the configuration.
    execution: Execution = TRAINING
    # Whether matrix products wait for each other in a loop over frames: compilers then tune them
    # for longer.
    has_loop = True

    def __init__(
        self,
        output_sizes: Mapping[str, int],
        input_names: Sequence[str],
        input_sizes: Mapping[str, int] | None,
        stack_channels: int,
        stack_layers: int,
        name: str = "decoder",
        instruments: Sequence[str] = (),
        **kwargs: Any,
    ):
        # The state stays in float32 under any policy.
        super().__init__(name=name, autocast=False, **kwargs)
        self.output_sizes = dict(output_sizes)
        self.input_names = tuple(input_names)
        if not self.output_sizes or not self.input_names:
            raise ValueError(
                f"output_sizes={output_sizes}, input_names={input_names}; expected at least one"
            )
        given = dict(input_sizes or {})
        unknown = [key for key in given if key not in self.input_names]
        if unknown:
            raise ValueError(f"input_sizes[{unknown[0]!r}]: the inputs are {self.input_names}")
        self.input_sizes = {key: given.get(key, 1) for key in self.input_names}
        self.stack_channels = stack_channels
        self.stack_layers = stack_layers
        self.instruments = checked_instruments(instruments)
        self.input_stacks = [self._make_stack(f"{key}_stack") for key in self.input_names]

    def make_output_layers(self) -> None:
        """Creates the layers after the trunk."""
        self.output_stack = self._make_stack("output_stack")
        units = sum(self.output_sizes.values())
        self.output_layer = layers.Dense(units, dtype=self.dtype_policy)

    def _make_stack(self, name: str) -> DenseStack:
        sizes = (self.stack_channels, self.stack_layers, len(self.instruments))
        return DenseStack(*sizes, name=name, dtype=self.dtype_policy)

    @property
    def state_size(self) -> int:
        """Size of the state of one sequence."""
        raise NotImplementedError

    def build_trunk(self, channels: int) -> int:
        """Builds the trunk for a number of input channels, and returns its output channels."""
        raise NotImplementedError

    def look_back(self, joined: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Runs the trunk over [batch, frames, channels]; returns its output and the new state."""
        raise NotImplementedError

    def build(self, inputs_shape: Any = None, state_shape: Any = None) -> None:
        """Builds all layers."""
        if self.built:
            return
        for key, stack in zip(self.input_names, self.input_stacks, strict=True):
            stack.build((None, None, self.input_sizes[key]))
        joined = self.stack_channels * len(self.input_stacks)
        looked_back = self.build_trunk(joined)
        self.output_stack.build((None, None, joined), (None, None, looked_back))
        self.output_layer.build((None, None, self.stack_channels))
        self.built = True

    def initial_state(self, batch_size: int) -> Tensor:
        """Returns the state before the first frame, [batch, state_size] zeros."""
        return ops.zeros((batch_size, self.state_size), "float32")

    def call(
        self, inputs: Mapping[str, Tensor], state: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Returns raw controls by name, and the state after the last frame."""
        self._check({name: value.shape for name, value in inputs.items()})
        instrument = None
        if self.instruments:
            instrument = played_mixture(inputs.get("instrument"), len(self.instruments))
        joined = self.read_inputs(inputs, instrument)
        if state is None:
            state = self.initial_state(ops.shape(joined)[0])
        looked_back, state = self.look_back(joined, state)
        return self.make_outputs(joined, looked_back, instrument), state

    def compute_output_shape(
        self, inputs_shape: Mapping[str, Any], state_shape: Any = None
    ) -> tuple[dict[str, tuple], tuple]:
        """Returns the shapes of the outputs by name, and the shape of the state."""
        self._check(inputs_shape)
        batch, frames = inputs_shape[self.input_names[0]][:2]
        shapes = {name: (batch, frames, size) for name, size in self.output_sizes.items()}
        return shapes, (batch, self.state_size)

    def compute_output_spec(self, inputs: Mapping[str, Any], state: Any = None) -> tuple:
        """Returns the symbolic outputs and state; the state is float32 under any policy."""
        shapes = {name: tuple(value.shape) for name, value in inputs.items()}
        outputs, state_shape = self.compute_output_shape(shapes)
        return (
            {name: keras.KerasTensor(s, self.compute_dtype) for name, s in outputs.items()},
            keras.KerasTensor(state_shape, "float32"),
        )

    def _check(self, shapes):
        for name, size in self.input_sizes.items():
            if name not in shapes:
                raise ValueError(
                    f"{self.name}: input {name!r} was not given; expected {self.input_names}"
                )
            if len(shapes[name]) != 3 or shapes[name][2] not in (None, size):
                raise ValueError(
                    f"{self.name}: {name} has shape {tuple(shapes[name])}; expected "
                    f"[batch, frames, {size}]"
                )

    def read_inputs(self, inputs: Mapping[str, Tensor], instrument: Tensor | None) -> Tensor:
        """Runs the input stacks; returns their outputs concatenated, [batch, frames, channels]."""
        stacks = [
            stack(inputs[key], instrument=instrument)
            for key, stack in zip(self.input_names, self.input_stacks, strict=True)
        ]
        return ops.concatenate(stacks, axis=-1)

    def make_outputs(
        self, joined: Tensor, looked_back: Tensor, instrument: Tensor | None
    ) -> dict[str, Tensor]:
        """Runs the output stack and the linear layer; returns the outputs by name."""
        outputs = self.output_layer(self.output_stack(joined, looked_back, instrument))
        split, start = {}, 0
        for key, size in self.output_sizes.items():
            split[key] = outputs[:, :, start : start + size]
            start += size
        return split

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of this class; subclasses add theirs."""
        return {
            **super().get_config(),
            "output_sizes": self.output_sizes,
            "input_names": self.input_names,
            "input_sizes": {key: size for key, size in self.input_sizes.items() if size != 1},
            "stack_channels": self.stack_channels,
            "stack_layers": self.stack_layers,
            "instruments": self.instruments,
        }
