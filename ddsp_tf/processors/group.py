"""A graph of processors."""

import keras
from keras import ops

from ddsp_tf.processors.base import Processor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class ProcessorGroup(keras.layers.Layer):
    """Processors joined by name, run in the order given; the last one's signal is the output.

    A node's inputs are names: of values the caller passes in (such as "f0_hz", or a decoder's
    outputs), or of earlier nodes, whose signals they stand for.

    Args:
        nodes: Sequence of `(processor, input names)`, the names in the order of the processor's
            call arguments.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        inputs: Dictionary from name to tensor. Optional inputs of the processors (such as
            "noise") may be in it, too.

    Returns:
        Audio [batch, samples].

    Raises:
        ValueError: If there is no node, two have one name, a node has too few or too many
            inputs, or takes the signal of a node that comes later.

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

    def __init__(self, nodes, name="processor_group", **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.processors = [processor for processor, _ in nodes]
        self.connections = [tuple(inputs) for _, inputs in nodes]
        self._check()

    def _check(self):
        if not self.processors:
            raise ValueError("a ProcessorGroup needs at least one node")
        names = [processor.name for processor in self.processors]
        for position, (processor, inputs) in enumerate(
            zip(self.processors, self.connections, strict=True)
        ):
            node = f"node {processor.name!r}"
            if not isinstance(processor, Processor):
                raise ValueError(f"{node}: {type(processor).__name__} is not a Processor")
            if names.count(processor.name) > 1:
                raise ValueError(f"{node}: another node has this name; give each its own")
            expected = processor.input_names
            if not inputs:
                raise ValueError(f"{node}: no inputs; expected {expected or 'at least one signal'}")
            if expected is not None and len(inputs) != len(expected):
                raise ValueError(f"{node}: inputs {list(inputs)}; expected {list(expected)}")
            for late in set(inputs) & set(names[position:]):
                raise ValueError(f"{node}: its input {late!r} is not an earlier node")

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names the caller must pass in, in order of first use."""
        nodes = {processor.name for processor in self.processors}
        used = [name for inputs in self.connections for name in inputs if name not in nodes]
        return tuple(dict.fromkeys(used))

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels of the caller's inputs, as far as the processors prescribe them."""
        sizes = {}
        for processor, inputs in zip(self.processors, self.connections, strict=True):
            for theirs, ours in zip(processor.input_names or (), inputs, strict=False):
                if theirs in processor.input_sizes:
                    sizes[ours] = processor.input_sizes[theirs]
        return sizes

    @property
    def latencies(self) -> dict[str, int]:
        """Samples by which `stream` delays each node's signal."""
        latencies = {}
        for processor, inputs in zip(self.processors, self.connections, strict=True):
            before = max((latencies.get(name, 0) for name in inputs), default=0)
            latencies[processor.name] = before + processor.latency
        return latencies

    @property
    def latency(self) -> int:
        """Samples by which `stream` delays the output."""
        return self.latencies[self.processors[-1].name]

    def call(self, inputs):
        """Returns the last node's signal [batch, samples]."""
        signals, _ = self.render(inputs)
        return signals[self.processors[-1].name]

    def render(self, inputs):
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

    def initial_state(self, batch_size):
        """Returns the state before the first block, a flat dictionary "node/name" -> tensor."""
        state = {}
        for processor, names in zip(self.processors, self.connections, strict=True):
            for key, value in processor.initial_state(batch_size).items():
                state[f"{processor.name}/{key}"] = value
            for name, delay in self._delays(names).items():
                state[f"{processor.name}/delayed_{name}"] = ops.zeros((batch_size, delay))
        return state

    def stream(self, state, inputs):
        """Computes every node for one block of frames.

        Signals that meet in a node are delayed to the slowest of them.

        Args:
            state: From `initial_state` or the previous call.
            inputs: Dictionary from name to tensor, as for `call`.

        Returns:
            Tuple of the dictionary of signals by node name, each [batch, block samples] and
            delayed by `latencies[name]`, and the new state.
        """
        signals, after = {}, {}
        for processor, names in zip(self.processors, self.connections, strict=True):
            node = processor.name
            aligned = dict(signals)
            for name in self._delays(names):
                key = f"{node}/delayed_{name}"
                line = ops.concatenate([state[key], signals[name]], axis=1)
                length = ops.shape(signals[name])[1]
                aligned[name], after[key] = line[:, :length], line[:, length:]
            values = self._gather(processor, names, {**inputs, **aligned})
            own = {
                key.split("/", 1)[1]: value
                for key, value in state.items()
                if key.startswith(f"{node}/") and f"{node}/delayed_" not in key
            }
            controls = processor.get_controls(*values[0], **values[1])
            signals[node], own = processor.stream(own, **controls)
            after.update({f"{node}/{key}": value for key, value in own.items()})
        return signals, after

    def _delays(self, names):
        """Samples of delay for each of a node's input signals that comes too early."""
        latencies = self.latencies
        latest = max((latencies.get(name, 0) for name in names), default=0)
        return {
            name: latest - latencies[name]
            for name in dict.fromkeys(names)
            if name in latencies and latencies[name] < latest
        }

    def _gather(self, processor, names, values):
        missing = [name for name in names if name not in values]
        if missing:
            raise ValueError(f"node {processor.name!r}: input {missing[0]!r} was not given")
        optional = {name: values[name] for name in processor.optional_input_names if name in values}
        return [values[name] for name in names], optional

    def build(self, input_shape):
        """Marks the layer as built; the processors make their weights themselves."""
        self.built = True

    def get_config(self):
        """Returns the nodes, serialized."""
        nodes = [
            [keras.saving.serialize_keras_object(processor), list(inputs)]
            for processor, inputs in zip(self.processors, self.connections, strict=True)
        ]
        return {"name": self.name, "nodes": nodes}

    @classmethod
    def from_config(cls, config):
        """Rebuilds the group from `get_config`."""
        nodes = [
            (keras.saving.deserialize_keras_object(processor), inputs)
            for processor, inputs in config["nodes"]
        ]
        return cls(nodes, name=config["name"])
