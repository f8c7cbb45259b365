"""What every processor has in common."""

from typing import Any

import keras

from ddsp_tf.typing import State, Tensor


class Processor(keras.layers.Layer):
    """A differentiable synthesizer or effect: raw inputs -> controls -> signal.

    `call(*inputs)` is `get_signal(**get_controls(*inputs))`. Subclasses name their inputs in
    `input_names` (None: any number of signals) and, where the caller may leave one out, in
    `optional_input_names`; those of them that take signals, [batch, samples], in `signal_names`;
    and write

    - `get_controls(...)`: scales raw network outputs to physical controls, as a dictionary;
    - `get_signal(...)`: the synthesizer alone, from physical controls to [batch, samples];
    - `initial_state(batch_size)` and `stream(state, **controls)`: the same signal, block by
      block. `stream` returns the signal of as many frames as it was given, delayed by
      `latency` samples, and the state to hand to the next call.

    Processors compute in float32 whatever the global dtype policy is: phase and long sums do
    not survive less.

    Args:
        name: Layer name; the node's name in a `ProcessorGroup`.
        **kwargs: Further `keras.layers.Layer` arguments.
    """

    input_names: tuple[str, ...] | None = ()
    optional_input_names: tuple[str, ...] = ()
    signal_names: tuple[str, ...] = ("signal",)

    def __init__(self, name: str | None = None, **kwargs: Any):
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels of the inputs that a decoder makes, by the names in `input_names`."""
        return {}

    @property
    def latency(self) -> int:
        """Samples by which `stream` lags behind `get_signal`."""
        return 0

    @property
    def removed_samples(self) -> int:
        """Samples that `get_signal` returns fewer than its inputs have."""
        return 0

    def call(self, *inputs: Tensor, **named_inputs: Tensor) -> Tensor:
        """Returns the signal [batch, samples] of raw inputs."""
        return self.get_signal(**self.get_controls(*inputs, **named_inputs))

    def get_controls(self, *inputs: Tensor, **named_inputs: Tensor) -> dict[str, Tensor]:
        """Returns physical controls by name."""
        raise NotImplementedError

    def get_signal(self, **controls: Any) -> Tensor:
        """Returns the signal [batch, samples] of physical controls."""
        raise NotImplementedError

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: a dictionary of tensors, maybe empty."""
        del batch_size
        return {}

    def stream(self, state: State, **controls: Any) -> tuple[Tensor, State]:
        """Returns the delayed signal of a block and the state after it."""
        return self.get_signal(**controls), state

    def build(self, *input_shapes: Tensor, **named_input_shapes: Any) -> None:
        """Marks the layer as built; processors with weights make them in the constructor."""
        self.built = True
