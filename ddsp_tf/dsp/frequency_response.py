"""Interpolation of a frequency response that is given at a few points."""

import math

from keras import ops

from ddsp_tf.backend.execution import TRAINING, Execution
from ddsp_tf.typing import Tensor


def gain_at(
    response_db: Tensor,
    frequencies: Tensor,
    sample_rate: int,
    execution: Execution = TRAINING,
    mixture: Tensor | None = None,
) -> Tensor:
    """Interpolates a frequency response in decibels.

    Args:
        response_db: Response in dB [points], at least 2 points, evenly spaced from 0 Hz to Nyquist;
            with a mixture [responses, points].
        frequencies: Frequencies in Hz, any shape; out of range, the nearest point is used.
        sample_rate: Samples per second.
        execution: Whether sums are fused.
        mixture: Weights of the responses [batch, frames or 1, responses], if there are several, for
            frequencies [batch, frames, any number].

    Returns:
        Linear gains in the shape of `frequencies`.

    Example:
        >>> falling = ops.convert_to_tensor([0.0, -20.0, -40.0])
        >>> frequencies = ops.convert_to_tensor([0.0, 2000.0, 4000.0, 9000.0])
        >>> [round(float(gain), 3) for gain in gain_at(falling, frequencies, sample_rate=16000)]
        [1.0, 0.316, 0.1, 0.01]
    """
    last = response_db.shape[-1] - 1
    places = ops.clip(frequencies * (2.0 * last / sample_rate), 0.0, last)
    if execution.sums_are_fused():
        if mixture is not None:
            response_db = ops.matmul(mixture, response_db)[:, :, None]
        gain_db = fused_interpolation(response_db, places)
    elif mixture is None:
        gain_db = gathered_interpolation(response_db, places)
    else:
        of_each = gathered_interpolation(ops.transpose(response_db), places)
        gain_db = ops.sum(of_each * mixture[:, :, None], axis=-1)
    return ops.exp((math.log(10.0) / 20.0) * gain_db)


def fused_interpolation(values: Tensor, places: Tensor) -> Tensor:
    """Interpolates [..., points] at places of any shape by weighting all points.

    Points more than one place away have no weight. Where sums are fused, this and its gradient take
    a third of the time of a gather, whose gradient is a scatter (16000 x 60 places, 65 points, JAX,
    one H100).
    """
    distance = ops.abs(places[..., None] - ops.arange(values.shape[-1], dtype="float32"))
    return ops.sum(values * ops.maximum(1.0 - distance, 0.0), axis=-1)


def gathered_interpolation(values: Tensor, places: Tensor) -> Tensor:
    """Interpolates [points] at places of any shape by gathering the points below and above.

    Values [points, n] give n results at each place.
    """
    below = ops.stop_gradient(ops.minimum(ops.floor(places), values.shape[0] - 2.0))
    number = ops.cast(below, "int32")
    low, high = (ops.take(values, number + k, axis=0) for k in (0, 1))
    share = places - below if len(values.shape) == 1 else (places - below)[..., None]
    return low + share * (high - low)
