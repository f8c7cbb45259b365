"""Presence of a pitched sound and confidence of its pitch: `voicing` for live use, on tensors."""

from typing import NamedTuple

import numpy as np
from keras import ops

from ddsp_tf.features.voicing import (
    CONFIDENCES,
    DROP_DB,
    DROP_WIDTH_DB,
    NEIGHBOUR_SHARE,
    RECOVERY_DB_PER_SECOND,
    SHORTEST_SECONDS,
    STRENGTHS,
)
from ddsp_tf.typing import Tensor

_LOW_HZ, _REACH_SECONDS = 60.0, 0.020
# A sound begins where the power within 10 ms of an instant exceeds that of 30 to 70 ms before.
_NOW_SECONDS, _BEFORE_SECONDS = 0.010, (0.030, 0.070)
_LEAST_RISE_DB, _CLEAR_RISE_DB = 6.0, 12.0
_SILENCE = 1e-20
_SILENCE_DB = -200.0


def powers(sound: Tensor, size: int) -> Tensor:
    """Measures the mean square of successive parts of a sound.

    Args:
        sound: Sound [rows, samples]; leading samples that do not fill a part are left out.
        size: Samples of a part.

    Returns:
        [rows, parts].

    Example:
        >>> np.asarray(powers(np.array([[9.0, 1.0, 1.0, 2.0, 2.0]], np.float32), 2)).tolist()
        [[1.0, 4.0]]
    """
    parts = sound.shape[1] // size
    sound = sound[:, sound.shape[1] - parts * size :]
    return ops.mean(ops.reshape(ops.square(sound), (-1, parts, size)), axis=2)


def onset(parts: Tensor, part_seconds: float, delay: float) -> Tensor:
    """Estimates whether a sound begins at the instant that a frame describes.

    Args:
        parts: Mean squares of the latest parts of the sound, as `powers` gives them,
            [batch, parts].
        part_seconds: Length of a part, about 2 ms.
        delay: Seconds from the instant to the end of the parts.

    Returns:
        0..1 [batch, 1]: 0 if the sound has risen by less than 6 dB, 1 if by more than 12 dB.

    Example:
        >>> parts = np.repeat(np.array([[0.01, 1.0]], np.float32), [40, 20], axis=1)
        >>> [float(onset(parts, 0.002, delay)[0, 0]) for delay in (0.03, 0.06)]
        [1.0, 0.0]
    """
    earlier = _middles(parts.shape[1], part_seconds) - np.float32(delay)
    now = _mean_where(parts, np.abs(earlier) <= _NOW_SECONDS)
    first, last = _BEFORE_SECONDS
    before = _mean_where(parts, (earlier >= first) & (earlier <= last))
    rise_db = (10.0 / np.log(10.0)) * ops.log((now + _SILENCE) / (before + _SILENCE))
    return ops.clip((rise_db - _LEAST_RISE_DB) / (_CLEAR_RISE_DB - _LEAST_RISE_DB), 0.0, 1.0)


def _middles(count, part_seconds):
    """Middles of the parts, in seconds before the end [parts]."""
    return ((count - 0.5 - np.arange(count)) * part_seconds).astype(np.float32)


def _mean_where(parts, inside):
    """Averages the parts inside, [batch, 1]."""
    return ops.matmul(parts, (inside / inside.sum())[:, None].astype(np.float32))


class Heard(NamedTuple):
    """Presence (0..1) and highest level (dB above -200 dB) of a frame, [batch, 1] each."""

    presence: Tensor
    highest_db: Tensor


def live_presence(
    parts: Tensor,
    part_seconds: float,
    pitch_hz: Tensor,
    delay: float,
    highest_db: Tensor,
    seconds: float,
) -> Heard:
    """Estimates whether the sound is present at the instant that a frame describes.

    Like `presence`, it compares the power at that instant, over a period or 10 ms, with the loudest
    10 ms within 20 ms of it (40 ms below 60 Hz), as far as they have arrived, and with the highest
    earlier level.

    Args:
        parts: Mean squares of the latest parts of the sound, from `powers`, [batch, parts].
        part_seconds: Length of a part, about 2 ms.
        pitch_hz: Pitch of the frame, [batch, 1].
        delay: Seconds from the instant to the end of the parts.
        highest_db: Highest earlier level, from the previous call, [batch, 1]; 0 at the start.
        seconds: Time between two frames in seconds.

    Returns:
        Presence, at least 0.5 where there is sound, and the highest level so far.

    Example:
        >>> parts = np.repeat(np.array([[1.0, 0.0]], np.float32), 32, axis=1)
        >>> pitch_hz, nothing = np.full((1, 1), 220.0, np.float32), np.zeros((1, 1), np.float32)
        >>> for delay in (0.08, 0.02):
        ...     there = live_presence(parts, 0.002, pitch_hz, delay, nothing, 0.01)
        ...     print(round(float(there.presence[0, 0]), 1))
        1.0
        0.0
    """
    count = parts.shape[1]
    distance = ops.abs(_middles(count, part_seconds) - delay)
    half = 0.5 * ops.maximum(SHORTEST_SECONDS, 1.0 / ops.maximum(pitch_hz, 20.0))
    share = ops.clip((half - distance) / part_seconds + 0.5, 0.0, 1.0)
    power = ops.sum(parts * share, axis=1, keepdims=True) / ops.sum(share, axis=1, keepdims=True)
    near = ops.matmul(parts, _moving_average(count, part_seconds))
    reach = ops.minimum(ops.where(pitch_hz >= _LOW_HZ, _REACH_SECONDS, 2 * _REACH_SECONDS), delay)
    near = ops.max(ops.where(distance <= reach, near, 0.0), axis=1, keepdims=True)
    own = power / ops.maximum(power + NEIGHBOUR_SHARE * near, _SILENCE)
    level = (10.0 / np.log(10.0)) * ops.log(power + _SILENCE) - _SILENCE_DB
    highest = ops.maximum(highest_db - RECOVERY_DB_PER_SECOND * seconds, level)
    there = ops.clip((DROP_DB - highest + level) / DROP_WIDTH_DB + 0.5, 0.0, 1.0)
    return Heard(own * there, highest)


def _moving_average(count, part_seconds):
    """Matrix that averages each part with its neighbours, over 10 ms."""
    reach = round((SHORTEST_SECONDS / part_seconds - 1) / 2)
    places = np.arange(count)
    near = np.abs(places[:, None] - places) <= reach
    return (near / near.sum(axis=0)).astype(np.float32)


def live_confidence(strength: Tensor, present: Tensor) -> Tensor:
    """Estimates the probability that a frame's pitch is correct, as `confidence` does on arrays.

    Args:
        strength: Share of the sound that repeats after its period, 0..1.
        present: Presence from `live_presence`, of the same shape.

    Returns:
        0..1; from 0.5 on a frame is voiced.

    Example:
        >>> np.asarray(live_confidence(np.array([0.0, 0.5, 1.0]), np.ones(3))).round(3).tolist()
        [0.0, 0.68, 1.0]
    """
    slopes = np.diff(CONFIDENCES) / np.diff(STRENGTHS)
    bends = np.diff(slopes, prepend=0.0).astype(np.float32)
    above = ops.maximum((strength * present)[..., None] - np.array(STRENGTHS[:-1], np.float32), 0.0)
    return ops.clip(ops.sum(above * bends, axis=-1), 0.0, 1.0)
