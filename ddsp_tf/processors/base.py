"""What every processor has in common."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from ddsp_tf.typing import State, Tensor


def _float32(value: Any) -> Any:
    """Arrays and numbers as float32 tensors; tensors and containers of them as they are."""
    if isinstance(value, (np.ndarray, np.generic, float, int)):
        return ops.convert_to_tensor(value, "float32")
    return value


def _of_float32(method: Callable) -> Callable:
    """The method, with what numpy makes by itself (float64) turned into what tensors are."""

    @functools.wraps(method)
    def converted(self, *inputs, **named_inputs):
        named_inputs = {name: _float32(value) for name, value in named_inputs.items()}
        return method(self, *map(_float32, inputs), **named_inputs)

    return converted


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
    not survive less. All these methods take numpy arrays and numbers, too, of any type.

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

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name in ("get_controls", "get_signal", "stream"):
            if name in vars(cls):
                setattr(cls, name, _of_float32(vars(cls)[name]))

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
