"""Base class of all processors."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from ddsp_tf.backend.execution import TRAINING, Execution
from ddsp_tf.processors.inputs import as_float32, check_shapes, shape_of, signal_shape
from ddsp_tf.typing import State, Tensor

_ANY_NUMBER = inspect.Parameter.VAR_POSITIONAL


def _parameters(method):
    """Kinds of a method's parameters by name, without self."""
    parameters = inspect.signature(method).parameters.values()
    return {p.name: p.kind for p in parameters if p.name != "self"}


def _prepared(method: Callable) -> Callable:
    """Wraps a method so that it first builds the layer, and checks and converts its arguments."""
    parameters = _parameters(method)
    any_number = _ANY_NUMBER in parameters.values()

    @functools.wraps(method)
    def prepared(self, *inputs, **named_inputs):
        if not self.built:
            self.build()
        names = tuple(parameters)
        if any_number:
            names = self.input_names or tuple(f"signal_{k + 1}" for k in range(len(inputs)))
        values = dict(zip(names, inputs, strict=False)) | named_inputs
        values = {
            name: as_float32(f"{self.name}: {name}", value, self._is_signal(name))
            for name, value in values.items()
        }
        if method.__name__ == "get_controls":
            check_shapes(self, {name: shape_of(value) for name, value in values.items()})
        if any_number:
            return method(self, *values.values(), *inputs[len(values) :])
        if len(inputs) > len(names):
            return method(self, *inputs, **named_inputs)  # Raises Python's own error.
        return method(self, **values)

    return prepared


def float32_policy(name: str | None, dtype: Any) -> str:
    """Returns "float32", or raises a ValueError if the user asked for another dtype."""
    if dtype is not None and keras.dtype_policies.get(dtype).name != "float32":
        raise ValueError(
            f"{name}: dtype={getattr(dtype, 'name', dtype)!r}; expected 'float32', in which "
            "processors compute under any policy, because phases and long sums need it"
        )
    return "float32"


class Processor(keras.layers.Layer):
    """A differentiable synthesizer or effect: raw inputs -> controls -> signal.

    `call` is `get_signal(**get_controls(...))`. Its inputs are given as positional tensors in the
    order of `input_names`, by keyword, or as one dictionary or list.

    Subclasses list their inputs in `input_names` (None: any number of signals), those that the
    caller may omit in `optional_input_names`, and those that are signals, [batch, samples], in
    `signal_names`. They implement

    - `get_controls(...)`: scales raw network outputs to physical controls, as a dictionary;
    - `get_signal(...)`: the synthesizer alone, from physical controls to [batch, samples];
    - `initial_state(batch_size)` and `stream(state, **controls)`: the same signal, block by block.
      `stream` returns a signal as long as the block that it was given, delayed by `latency`
      samples, and the state for the next call;
    - `make_weights()`, if they have weights.

    Processors compute in float32 under any dtype policy: phases and long sums need it. All these
    methods also accept numpy arrays and numbers of any type; arrays must be finite, and signals
    must not be integers.

    Args:
        name: Layer name; the node's name in a `ProcessorGroup`.
        dtype: Data type, "float32" or None.
        **kwargs: Further `keras.layers.Layer` arguments.

    Raises:
        ValueError: If another dtype is given; when called, if an input has another shape than
            expected, an array is not finite, or a signal holds integers. The message names the
            input.

    Example:
        >>> class Gain(Processor):
        ...     input_names = ("signal", "gain_db")
        ...     def get_controls(self, signal, gain_db):
        ...         return {"signal": signal, "gain_db": keras.ops.minimum(gain_db, 0.0)}
        ...     def get_signal(self, signal, gain_db):
        ...         return signal * 10.0 ** (gain_db / 20.0)
        >>> quieter = Gain()(keras.ops.ones((1, 16000)), gain_db=-20.0)
        >>> round(float(quieter[0, 0]), 3)
        0.1
    """

    input_names: tuple[str, ...] | None = ()
    optional_input_names: tuple[str, ...] = ()
    signal_names: tuple[str, ...] = ("signal",)
    # Selects implementations; not part of the configuration.
    execution: Execution = TRAINING
    _call_names: tuple[str, ...] | None = None

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=float32_policy(name, dtype), **kwargs)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "get_controls" in vars(cls):
            parameters = _parameters(cls.get_controls)
            # None if the parameters are not the inputs, as with `*signals`.
            cls._call_names = None if _ANY_NUMBER in parameters.values() else tuple(parameters)
        for name in ("get_controls", "get_signal", "stream"):
            if name in vars(cls):
                setattr(cls, name, _prepared(vars(cls)[name]))

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels of the inputs that a decoder outputs, by the names in `input_names`."""
        return {}

    @property
    def latency(self) -> int:
        """Samples by which `stream` lags behind `get_signal`."""
        return 0

    @property
    def removed_samples(self) -> int:
        """Samples by which the signal is shorter than the inputs."""
        return 0

    def __call__(self, *inputs: Tensor, **named_inputs: Any) -> Tensor:
        """Runs the layer; checks the inputs first, because Keras would extend the errors."""
        values = self._by_name(inputs, named_inputs)
        check_shapes(self, {name: shape_of(value) for name, value in values.items()})
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                as_float32(f"{self.name}: {name}", value, self._is_signal(name))
        return super().__call__(*inputs, **named_inputs)

    def call(self, *inputs: Tensor, **named_inputs: Tensor) -> Tensor:
        """Returns the signal [batch, samples] for raw inputs."""
        values = self._by_name(inputs, named_inputs)
        ordered = [values.pop(name) for name in self.input_names or tuple(values)]
        return self.get_signal(**self.get_controls(*ordered, **values))

    def get_controls(self, *inputs: Tensor, **named_inputs: Tensor) -> dict[str, Tensor]:
        """Returns physical controls by name."""
        raise NotImplementedError

    def get_signal(self, **controls: Any) -> Tensor:
        """Returns the signal [batch, samples] for physical controls."""
        raise NotImplementedError

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: a dictionary of tensors, possibly empty."""
        del batch_size
        return {}

    def stream(self, state: State, **controls: Any) -> tuple[Tensor, State]:
        """Returns the delayed signal for a block, and the state after it."""
        return self.get_signal(**controls), state

    def make_weights(self) -> None:
        """Creates the weights, whose shapes follow from the constructor's arguments."""

    def build(self, *input_shapes: Any, **named_input_shapes: Any) -> None:
        """Creates the weights once."""
        if not self.built:
            self.make_weights()
            self.built = True

    def compute_output_shape(self, *input_shapes: Any, **named_input_shapes: Any) -> tuple:
        """Returns (batch, samples) for given input shapes, with None for unknown sizes."""
        shapes = self._by_name(input_shapes, named_input_shapes)
        check_shapes(self, shapes)
        return signal_shape(self, shapes)

    def compute_output_spec(self, *inputs: Any, **named_inputs: Any) -> keras.KerasTensor:
        """Returns the symbolic output for symbolic inputs."""
        values = self._by_name(inputs, named_inputs)
        shapes = {name: shape_of(value) for name, value in values.items()}
        return keras.KerasTensor(self.compute_output_shape(**shapes), dtype="float32")

    def _is_signal(self, name):
        return self.input_names is None or name in ("signals", *self.signal_names)

    def _by_name(self, inputs, named_inputs):
        """Returns the inputs of `call` (or their shapes) by name, in the order of `input_names`."""
        # Keras passes these to every layer with named arguments.
        named_inputs = {k: v for k, v in named_inputs.items() if k not in ("training", "mask")}
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            inputs, named_inputs = (), {**inputs[0], **named_inputs}
        elif len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
            is_shape = all(size is None or isinstance(size, int) for size in inputs[0])
            inputs = inputs if is_shape else inputs[0]
        names = self.input_names
        if names is None:
            names = tuple(f"signal_{k + 1}" for k in range(len(inputs))) or tuple(named_inputs)
        known = self._call_names or names
        if len(inputs) > len(known) or not {*named_inputs} <= {*known}:
            found = [*named_inputs] if named_inputs else f"{len(inputs)} inputs"
            raise ValueError(f"{self.name}: found {found}; expected {list(known)}")
        values = {**dict(zip(known, inputs, strict=False)), **named_inputs}
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(f"{self.name}: {missing[0]} was not given; expected {list(names)}")
        return {name: values[name] for name in (*names, *(n for n in values if n not in names))}
