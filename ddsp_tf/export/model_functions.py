"""The functions that all exported forms of a model consist of."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ddsp_tf.backend.execution import EXPORT, with_execution
from ddsp_tf.export.blockwise import decode_in_blocks
from ddsp_tf.export.partitioned_reverb import PartitionedReverb
from ddsp_tf.inference.rendering import stem_name
from ddsp_tf.models import Autoencoder
from ddsp_tf.models.sanitizing import finite, sanitized
from ddsp_tf.processors import ProcessorGroup
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb

Endpoints = dict[str, tuple[Callable[..., Any], list[tf.TensorSpec]]]


class ModelFunctions:
    """A model as functions of plain tensors that tolerate meaningless numbers.

    Dictionaries of curves contain the model's features, [batch, frames] each; "z" [batch, frames or
    1, z_dims] if it has a timbre; and "instrument" [batch, frames or 1, instruments] if it has
    several instruments. The parts of the streaming state are flat: [batch, size] each.

    Args:
        model: `Autoencoder` to export, built. Unless its execution is EXPORT, a copy is used.
        block_frames: Frames of every streamed block, which makes long reverbs faster and their
            state larger; None for blocks of any number of frames.

    Example:
        >>> from ddsp_tf.configuration.experiment import load_experiment
        >>> model = load_experiment("demo").model
        >>> model.build()
        >>> functions = ModelFunctions(model)
        >>> functions.curve_names, functions.state_sizes["state_decoder"]
        (('f0_hz', 'loudness_db'), 96)
    """

    def __init__(self, model: Autoencoder, block_frames: int | None = None):
        if model.decoder.execution != EXPORT:
            # A graph for this machine's GPU would not run on other devices.
            model = with_execution(model, EXPORT)
        self.model = model
        self._group = model.processor_group
        if block_frames is not None:
            self._group = _with_fixed_rooms(model.processor_group, block_frames * model.hop)
        self._unchecked = {
            f"{processor.name}/{key}"
            for processor in self._group.processors
            for key in getattr(processor, "unchecked_state", ())
        }
        state = {"decoder": model.decoder.initial_state(1), **self._group.initial_state(1)}
        self._shapes = {name: value.shape[1:] for name, value in state.items()}

    @property
    def curve_names(self) -> tuple[str, ...]:
        """Names of the curves: the model's features, and "z" and "instrument" if it has them."""
        return (*self.model.feature_names, *self.model.vector_sizes)

    @property
    def state_sizes(self) -> dict[str, int]:
        """Sizes of the parts of one voice's state."""
        return {_flat_name(name): math.prod(shape) for name, shape in self._shapes.items()}

    @property
    def stem_names(self) -> list[str]:
        """Names of the stems, the mix last."""
        return [stem_name(processor.name) for processor in self.model.processor_group.processors]

    def curve_specs(self, batch: int | None, frames: int | None) -> list[tf.TensorSpec]:
        """Returns the specifications of the curves, in the order of `curve_names`."""
        sizes = self.model.vector_sizes
        shapes = {name: [batch, frames, size] for name, size in sizes.items()}
        return [
            tf.TensorSpec(shapes.get(name, [batch, frames]), tf.float32, name)
            for name in self.curve_names
        ]

    def noise_spec(self, batch: int | None, frames: int | None) -> tf.TensorSpec:
        """Returns the specification of the noise."""
        samples = None if frames is None else frames * self.model.hop
        return tf.TensorSpec([batch, samples], tf.float32, "noise")

    def state_specs(self, batch: int | None) -> list[tf.TensorSpec]:
        """Returns the specifications of the state, in the order of `state_sizes`."""
        return [
            tf.TensorSpec([batch, size], tf.float32, name)
            for name, size in self.state_sizes.items()
        ]

    def initial_state(self, batch_size: int) -> dict:
        """Returns the state before the first frame: zeros."""
        return {name: tf.zeros((batch_size, size)) for name, size in self.state_sizes.items()}

    def stems(self, curves: dict, noise) -> dict:
        """Plays complete curves; returns audio by processor, such as "harmonic", the mix last.

        All signatures that call it share one graph, and its decoder's with `controls`.
        """
        return self._stems(*(curves[name] for name in self.curve_names), noise)

    def audio(self, curves: dict, noise):
        """Plays complete curves; returns audio [batch, frames * hop]."""
        return self.stems(curves, noise)[self.stem_names[-1]]

    @functools.cached_property
    def _stems(self):
        def play(*arguments):
            *curves, noise = arguments
            features = dict(zip(self.curve_names, curves, strict=True))
            noise = self._clean({**features, "noise": noise})["noise"]
            inputs = {**self._decode(*curves), "noise": noise}
            signals, _ = self.model.processor_group.render(inputs)
            return {stem_name(name): audio for name, audio in signals.items()}

        specs = [*self.curve_specs(None, None), self.noise_spec(None, None)]
        return tf.function(play, specs, autograph=False)

    @functools.cached_property
    def _decode(self):
        def decode(*curves):
            features = dict(zip(self.curve_names, curves, strict=True))
            return decode_in_blocks(self.model, self._clean(features))

        return tf.function(decode, self.curve_specs(None, None), autograph=False)

    def controls(self, curves: dict) -> dict:
        """Returns the synthesizers' controls in physical units, [batch, frames, channels] each.

        Where two synthesizers have a control of the same name, the synthesizer's name and "_" come
        first.
        """
        inputs = self._decode(*(curves[name] for name in self.curve_names))
        group, found = self.model.processor_group, []
        for processor, names in zip(group.processors, group.connections, strict=True):
            if all(name in inputs for name in names):
                more = {n: inputs[n] for n in processor.optional_input_names if n in inputs}
                controls = processor.get_controls(*(inputs[name] for name in names), **more)
                found += [(processor.name, key, value) for key, value in controls.items()]
        keys = [key for _, key, _ in found]
        return {
            key if keys.count(key) == 1 else f"{node}_{key}": value for node, key, value in found
        }

    def step(self, curves: dict, noise, state: dict, hold: Callable[[dict], dict] | None = None):
        """Plays frames that follow a state.

        Args:
            curves: Dictionary of curves.
            noise: Noise [batch, frames * hop] in [-1, 1].
            state: Flat state, from `initial_state` or the previous step.
            hold: Function that changes the dictionary of the synthesizers' raw inputs.

        Returns:
            Tuple of audio, delayed by the model's latency, and the new flat state.
        """
        signals, state = self.step_signals(curves, noise, state, hold)
        return signals[self._group.processors[-1].name], state

    def step_signals(
        self, curves: dict, noise, state: dict, hold: Callable[[dict], dict] | None = None
    ):
        """Like `step`, but returns a dictionary of the signals of all processors, and the state."""
        shaped = {}
        for name, shape in self._shapes.items():
            value = state[_flat_name(name)]
            value = value if name in self._unchecked else finite(value)
            shaped[name] = tf.reshape(value, [-1, *shape])
        decoder = shaped.pop("decoder")
        inputs, decoder = self.model.decode(self._clean({**curves, "noise": noise}), decoder)
        inputs = inputs if hold is None else hold(inputs)
        signals, shaped = self._group.stream(shaped, inputs)
        shaped["decoder"] = decoder
        sizes = self.state_sizes
        flat = {_flat_name(name): value for name, value in shaped.items()}
        return signals, {name: tf.reshape(flat[name], [-1, sizes[name]]) for name in sizes}

    def _clean(self, features: dict) -> dict:
        return sanitized(features, self.model.sample_rate, self.model.hop)


def _with_fixed_rooms(group: ProcessorGroup, block: int) -> ProcessorGroup:
    """Replaces learned reverbs by reverbs that stream blocks of a fixed number of samples."""
    nodes = []
    for processor, names in zip(group.processors, group.connections, strict=True):
        fixed = not getattr(processor, "instruments", ())
        if isinstance(processor, ConvolutionReverb) and processor.learned and fixed:
            response = processor.get_controls(np.zeros((1, 1), np.float32))["impulse_response"]
            processor = PartitionedReverb(np.asarray(response), block, processor.name)
        nodes.append((processor, names))
    return ProcessorGroup(nodes)


def _flat_name(name: str) -> str:
    return "state_" + name.replace("/", "_")


def seeded_noise(shape, seed):
    """Draws the noise of a noise synthesizer inside a graph.

    Args:
        shape: Shape of the noise, an int32 tensor [2]: (batch, samples).
        seed: Seed of the noise, an int32 scalar tensor.

    Returns:
        Uniform noise in [-1, 1).

    Example:
        >>> seeded_noise((1, 4), 3).shape
        TensorShape([1, 4])
    """
    return tf.random.stateless_uniform(shape, tf.stack([seed, 0]), minval=-1.0, maxval=1.0)


def write_endpoints(endpoints: Endpoints, folder: str | Path) -> None:
    """Writes functions that use a model with the execution EXPORT as a SavedModel.

    Args:
        endpoints: Dictionary from signature name to a function and its arguments' specifications,
            which name the arguments. The first one is the default signature.
        folder: Folder to write.
    """
    signatures = {
        name: tf.function(function, specs, autograph=False).get_concrete_function()
        for name, (function, specs) in endpoints.items()
    }
    signatures["serving_default"] = next(iter(signatures.values()))
    module = tf.Module()
    # Only referenced objects are saved: these variables, but no optimizer.
    used = (variable for graph in signatures.values() for variable in graph.variables)
    module.used_variables = list({id(variable): variable for variable in used}.values())
    tf.saved_model.save(module, str(folder), signatures)
