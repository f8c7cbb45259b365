"""The layer that connects processors to a graph."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import keras
from keras import ops

from ddsp_tf.processors.base import float32_policy
from ddsp_tf.processors.graph import CONTROL, SIGNAL, check_agreement, input_roles, sorted_nodes
from ddsp_tf.typing import Node, State, Tensor

_GATE = "silent_start"


def _delayed(value, line):
    """Delays a block by a delay line; returns the delayed block and the line's new content."""
    line = ops.concatenate([line, value], axis=1)
    length = ops.shape(value)[1]
    return line[:, :length], line[:, length:]


@keras.saving.register_keras_serializable(package="ddsp_tf")
class ProcessorGroup(keras.layers.Layer):
    """Processors connected by name.

    The inputs of a node are named after values that the caller passes (such as "f0_hz" or a
    decoder's outputs) or after other nodes, whose signals it takes. The output is the node whose
    signal no other node takes; if there are several, the last of these in the given order.
    `processors` holds them in the order in which they run, the output last.

    Args:
        nodes: Sequence of `(processor, input names)` in any order; the names are in the order of
            the processor's call arguments.
        name: Layer name.
        dtype: Data type, "float32" or None.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from name to tensor; it may also contain optional inputs of the
            processors, such as "noise".

    Returns:
        Audio [batch, samples].

    Raises:
        ValueError: If there is no node, two have the same name, a node has too few or too many
            inputs, nodes form a cycle, their rates differ, a signal is used as a control, two nodes
            expect different channels of one input, or a node combines signals of different lengths;
            when called, if an input is missing or has another size. The message names the node.

    Example:
        >>> from ddsp_tf.processors import Add, FilteredNoise, Harmonic
        >>> group = ProcessorGroup([
        ...     (Harmonic(n_harmonics=4), ["amplitudes", "harmonic_distribution", "f0_hz"]),
        ...     (FilteredNoise(n_bands=5), ["noise_magnitudes"]),
        ...     (Add(name="dry"), ["harmonic", "filtered_noise"]),
        ... ])
        >>> sorted(group.input_names)
        ['amplitudes', 'f0_hz', 'harmonic_distribution', 'noise_magnitudes']
        >>> audio = group({"amplitudes": ops.ones((1, 5, 1)), "f0_hz": ops.ones((1, 5, 1)),
        ...                "harmonic_distribution": ops.ones((1, 5, 4)),
        ...                "noise_magnitudes": ops.ones((1, 5, 5))})
        >>> audio.shape
        TensorShape([1, 320])
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        name: str = "processor_group",
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=float32_policy(name, dtype), **kwargs)
        nodes = sorted_nodes([(processor, tuple(inputs)) for processor, inputs in nodes])
        check_agreement(nodes)
        self.processors = [processor for processor, _ in nodes]
        self.connections = [inputs for _, inputs in nodes]

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs that the caller must pass, in order of first use."""
        nodes = {processor.name for processor in self.processors}
        used = [name for inputs in self.connections for name in inputs if name not in nodes]
        return tuple(dict.fromkeys(used))

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels of the caller's inputs, where a processor prescribes them."""
        sizes = {}
        for processor, inputs in zip(self.processors, self.connections, strict=True):
            for theirs, ours in zip(processor.input_names or (), inputs, strict=False):
                if theirs in processor.input_sizes:
                    sizes[ours] = processor.input_sizes[theirs]
        return sizes

    @property
    def latencies(self) -> dict[str, int]:
        """Samples by which `stream` delays each node's signal."""
        return self._alignment()[0]

    @property
    def latency(self) -> int:
        """Samples by which `stream` delays the output."""
        return self.latencies[self.processors[-1].name]

    def remove_output(self) -> str:
        """Removes the last node; the last of the remaining ones becomes the output.

        Returns:
            Name of the node.

        Raises:
            ValueError: If it is the only node.
        """
        if len(self.processors) < 2:
            raise ValueError(f"{self.name}: {self.processors[0].name} is the only node")
        self.connections.pop()
        return self.processors.pop().name

    def call(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the last node's signal [batch, samples]."""
        signals, _ = self.render(inputs)
        return signals[self.processors[-1].name]

    def render(
        self, inputs: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, dict[str, Tensor]]]:
        """Computes every node.

        Args:
            inputs: Dictionary from name to tensor, as for `call`.

        Returns:
            Tuple of two dictionaries by node name: signals [batch, samples], and controls
            (dictionaries of tensors).

        Raises:
            ValueError: If an input is missing.
        """
        signals, controls = {}, {}
        for processor, names in zip(self.processors, self.connections, strict=True):
            values = self._gather(processor, names, {**inputs, **signals})
            controls[processor.name] = processor.get_controls(*values[0], **values[1])
            signals[processor.name] = processor.get_signal(**controls[processor.name])
        return signals, controls

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block, a flat dictionary "node/name" -> tensor."""
        state = {}
        _, waiting = self._alignment()
        for processor in self.processors:
            for key, value in processor.initial_state(batch_size).items():
                state[f"{processor.name}/{key}"] = value
            for key, shape in waiting[processor.name].items():
                state[f"{processor.name}/{key}"] = ops.zeros((batch_size, *shape), "float32")
        return state

    def stream(self, state: State, inputs: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], State]:
        """Computes every node for one block of frames.

        Signals that a node combines are delayed to match the one with the largest latency; the
        controls of a node that takes signals are delayed too, by whole frames.

        Args:
            state: State from `initial_state` or the previous call.
            inputs: Dictionary from name to tensor, as for `call`.

        Returns:
            Tuple of the dictionary of signals by node name, each [batch, block samples] and
            delayed by `latencies[name]`, and the new state.
        """
        signals, after = {}, {}
        _, waiting = self._alignment()
        for processor, names in zip(self.processors, self.connections, strict=True):
            node, aligned = processor.name, {**inputs, **signals}
            prefix = f"{node}/"
            own = {key[len(prefix) :]: v for key, v in state.items() if key.startswith(prefix)}
            lines, late = {key: own.pop(key) for key in waiting[node]}, {}
            self._check_given(processor, names, aligned)
            for name in names:
                key = f"delayed_{name}"
                if key in lines and key not in late:
                    aligned[name], late[key] = _delayed(aligned[name], lines[key])
            values = self._gather(processor, names, aligned)
            controls = processor.get_controls(*values[0], **values[1])
            signals[node], own = processor.stream(own, **controls)
            if _GATE in lines:
                gate, late[_GATE] = _delayed(ops.ones_like(signals[node]), lines[_GATE])
                signals[node] = signals[node] * gate
            after.update({prefix + key: value for key, value in {**own, **late}.items()})
        return signals, after

    def _alignment(self):
        """Latencies by node, and the shapes of each node's delay lines."""
        latencies, waiting = {}, {}
        for processor, names in zip(self.processors, self.connections, strict=True):
            roles = input_roles(processor, names)
            signals = {name: latencies.get(name, 0) for name, role, _ in roles if role == SIGNAL}
            controls = {name: size for name, role, size in roles if role == CONTROL}
            latest = max(signals.values(), default=0)
            if controls and latest:
                latest = -(-latest // processor.hop) * processor.hop
            shapes = {f"delayed_{n}": (latest - own,) for n, own in signals.items() if own < latest}
            latencies[processor.name] = latest + processor.latency
            if latest and controls:
                frames = latest // processor.hop
                shapes |= {f"delayed_{name}": (frames, size) for name, size in controls.items()}
            if latest and processor.latency:
                # A filter's ringing before time 0 must not reach the next node.
                shapes[_GATE] = (latencies[processor.name],)
            waiting[processor.name] = shapes
        return latencies, waiting

    def _gather(self, processor, names, values):
        self._check_given(processor, names, values)
        optional = {name: values[name] for name in processor.optional_input_names if name in values}
        return [values[name] for name in names], optional

    def _check_given(self, processor, names, values):
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(f"node {processor.name!r}: input {missing[0]!r} was not given")

    def build(self, input_shape: Any = None) -> None:
        """Checks the shapes of the first inputs, and builds the processors."""
        if self.built:
            return
        signals = {processor.name for processor in self.processors}
        for processor, names in zip(self.processors, self.connections, strict=True):
            if input_shape is None:
                break
            self._check_given(processor, names, {*input_shape, *signals})
            for name, role, size in input_roles(processor, names):
                shape = input_shape.get(name, ()) if name not in signals else ()
                if role == CONTROL and shape and tuple(shape[2:]) != (size,):
                    raise ValueError(
                        f"node {processor.name!r}: input {name!r} has shape {tuple(shape)}; "
                        f"expected [batch, frames, {size}]"
                    )
        for processor in self.processors:
            processor.build()
        self.built = True

    def compute_output_shape(self, input_shape: Mapping[str, Any]) -> tuple:
        """Returns (batch, samples) for given input shapes, with None for unknown sizes."""
        shapes = dict(input_shape)
        for processor, names in zip(self.processors, self.connections, strict=True):
            self._check_given(processor, names, shapes)
            optional = {n: shapes[n] for n in processor.optional_input_names if n in shapes}
            given = [shapes[name] for name in names]
            shapes[processor.name] = processor.compute_output_shape(*given, **optional)
        return shapes[self.processors[-1].name]

    def get_config(self) -> dict[str, Any]:
        """Returns the nodes, serialized."""
        nodes = [
            [keras.saving.serialize_keras_object(processor), list(inputs)]
            for processor, inputs in zip(self.processors, self.connections, strict=True)
        ]
        return {**super().get_config(), "nodes": nodes}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuilds the group from `get_config`."""
        nodes = [
            (keras.saving.deserialize_keras_object(processor), inputs)
            for processor, inputs in config["nodes"]
        ]
        return cls(**{**config, "nodes": nodes})
