"""A small network that predicts the course of pitch and loudness inside notes."""

import functools
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ddsp_tf.errors import UserError
from ddsp_tf.expression.note_curves import CURVES
from ddsp_tf.models.min_gru_decoder import MinGru
from ddsp_tf.typing import Tensor

UNITS, LAYERS = 32, 2
#: Decibels and cents that outputs of 1 stand for.
DB_SCALE, CENTS_SCALE = 6.0, 15.0
_TIMES_S = (0.02, 0.05, 0.12, 0.3, 0.8)
_NEAR_SECONDS, _FAR_SECONDS = 0.05, 0.3
_GLIDES_S = (0.02, 0.06)
# For MIDI number, level in dB, and octaves of length.
_FACT_MEANS = np.array([60.0, -15.0, 0.0], np.float32)
_FACT_SCALES = np.array([12.0, 15.0, 1.0], np.float32)
_LARGEST_SEMITONES, _LARGEST_STEP_DB = 12.0, 20.0
_CHANNELS = 5 + 8 + 2 * len(_TIMES_S) + 2 * len(_GLIDES_S)


@keras.saving.register_keras_serializable(package="ddsp_tf")
class NoteNetwork(layers.Layer):
    """Predicts loudness and pitch of every frame, relative to its note.

    Two residual layers of `MinGru` with 32 units, with a dense layer of 64 after each. Pitch, level
    and length are clipped to the range of the recorded notes.

    Args:
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        curves: Inputs of `note_curves`, [batch, frames, 11].
        state: Optional [batch, 64] state after the previous block; zeros if None.

    Returns:
        Tuple of [batch, frames, 2], decibels and cents relative to the note, and the state after
        the last frame.

    Example:
        >>> network = NoteNetwork()
        >>> moves, state = network(ops.ones((1, 10, 11)))
        >>> moves.shape, state.shape
        (TensorShape([1, 10, 2]), TensorShape([1, 64]))
    """

    def __init__(self, name: str = "note_network", **kwargs: Any):
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        dense: Any = functools.partial(layers.Dense, dtype="float32")
        self.input_layer = dense(UNITS)
        self.recurrent_layers = [MinGru(UNITS, dtype="float32") for _ in range(LAYERS)]
        self.norms = [
            layers.LayerNormalization(epsilon=1e-5, dtype="float32") for _ in range(LAYERS + 1)
        ]
        self.wide_layers = [dense(2 * UNITS, activation="silu") for _ in range(LAYERS)]
        self.narrow_layers = [dense(UNITS) for _ in range(LAYERS)]
        self.output_layer = dense(2, kernel_initializer="zeros")

    @property
    def state_size(self) -> int:
        """Size of the state of one sequence."""
        return LAYERS * UNITS

    def build(self, curves_shape: Any = None, state_shape: Any = None) -> None:
        """Builds all layers."""
        if self.built:
            return
        # Least and largest MIDI number, level, and octaves of length of the recorded notes.
        self.ranges = self.add_weight(
            shape=(2, 3), initializer="zeros", trainable=False, name="ranges"
        )
        self.input_layer.build((None, None, _CHANNELS))
        for layer in (*self.recurrent_layers, *self.norms, *self.wide_layers, self.output_layer):
            layer.build((None, None, UNITS))
        for layer in self.narrow_layers:
            layer.build((None, None, 2 * UNITS))
        self.built = True

    def call(self, curves: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns decibels and cents of every frame, and the state."""
        hidden = self.input_layer(_encoded(curves, self.ranges))
        if state is None:
            state = ops.zeros((ops.shape(hidden)[0], self.state_size), "float32")
        states = []
        parts = zip(
            self.recurrent_layers,
            self.norms[:-1],
            self.wide_layers,
            self.narrow_layers,
            ops.split(state, LAYERS, axis=-1),
            strict=True,
        )
        for recurrent, norm, wide, narrow, own in parts:
            hidden, own = recurrent(hidden, own)
            hidden = hidden + narrow(wide(norm(hidden)))
            states.append(own)
        moves = self.output_layer(self.norms[-1](hidden))
        scales = np.array([DB_SCALE, CENTS_SCALE], np.float32)
        return moves * scales, ops.concatenate(states, axis=-1)

    def compute_output_shape(self, curves_shape: Any, state_shape: Any = None) -> tuple:
        """Returns the shapes of the predictions and the state."""
        return (*curves_shape[:2], 2), (curves_shape[0], self.state_size)


def set_weights(network: NoteNetwork, weights: np.ndarray) -> None:
    """Sets all weights of a network.

    Args:
        network: Network, built.
        weights: Weights in the order of the network's, [13896].

    Raises:
        UserError: If their number does not fit, or one is not finite.

    Example:
        >>> network = NoteNetwork()
        >>> network.build()
        >>> set_weights(network, np.ones(13896))
        >>> float(network.weights[0][0, 0])
        1.0
    """
    if weights.shape != (network.count_params(),) or not np.isfinite(weights).all():
        raise UserError("expression: the weights of the network do not fit")
    sizes = [int(np.prod(weight.shape)) for weight in network.weights]
    parts = np.split(weights.astype(np.float32), np.cumsum(sizes)[:-1])
    for weight, part in zip(network.weights, parts, strict=True):
        weight.assign(part.reshape(weight.shape))


def weights_of(network: NoteNetwork) -> np.ndarray:
    """Returns the weights of a network as a file holds them, float16 [13896]."""
    weights = [ops.convert_to_numpy(weight).ravel() for weight in network.weights]
    return np.concatenate(weights).astype(np.float16)


def octaves_of(seconds: Tensor) -> Tensor:
    """Returns the length of notes in octaves above a second, the network's unit.

    Example:
        >>> float(octaves_of(np.float32(0.98)))
        0.0
    """
    return ops.log(seconds + 0.02) / np.log(2.0)


def _encoded(curves: Tensor, ranges: Tensor) -> Tensor:
    """Returns the inputs of the first layer, [batch, frames, channels] of about -1 to 1."""
    one = dict(zip(CURVES, ops.split(curves, len(CURVES), axis=-1), strict=True))
    since, left = one["since_s"], one["left_s"]
    facts = ops.concatenate([one["midi"], one["level_db"], octaves_of(since + left)], axis=-1)
    facts = ops.clip(facts, ranges[0], ranges[1])
    facts = (facts - _FACT_MEANS) / _FACT_SCALES
    found = [one["sounding"], facts, since / (since + left + 0.02)]
    for side, seconds in (("before", since), ("after", left)):
        gap, interval = one[f"gap_{side}_s"], one[f"interval_{side}"]
        interval = ops.clip(interval, -_LARGEST_SEMITONES, _LARGEST_SEMITONES)
        step = ops.clip(one[f"step_{side}_db"], -_LARGEST_STEP_DB, _LARGEST_STEP_DB)
        near, far = ops.exp(-gap / _NEAR_SECONDS), ops.exp(-gap / _FAR_SECONDS)
        found += [near, far, near * interval / 12.0, far * step / 15.0]
        found += [ops.exp(-seconds / time) for time in _TIMES_S]
        found += [near * interval / 4.0 * ops.exp(-seconds / time) for time in _GLIDES_S]
    return ops.concatenate(found, axis=-1) * one["sounding"]
