"""Wavetables: one period of a waveform, read at the rate of a pitch."""

from keras import ops

from ddsp_tf.dsp.hartley import hartley
from ddsp_tf.typing import Tensor


def band_limited(tables: Tensor, f0_hz: Tensor, sample_rate: int) -> Tensor:
    """Removes the harmonics that would lie at or above the Nyquist frequency.

    Args:
        tables: Wavetables [batch or 1, frames or 1, points], an even number of points.
        f0_hz: Frequency in Hz at which each table is played [batch, frames, 1]; 0 leaves nothing.
        sample_rate: Samples per second.

    Returns:
        [batch, frames, points].

    Example:
        >>> import numpy as np
        >>> square = np.array([[[1, 1, 1, 1, -1, -1, -1, -1]]], np.float32)
        >>> band_limited(square, ops.full((1, 1, 1), 3000.0), 16000)[0, 0, :4].numpy().round(2)
        array([0.5 , 1.21, 1.21, 0.5 ], dtype=float32)
    """
    points = tables.shape[-1]
    order = ops.arange(points, dtype="float32")
    order = ops.minimum(order, points - order)
    kept = ops.logical_and(f0_hz > 0.0, f0_hz * order < sample_rate / 2.0)
    spectrum = ops.where(kept, hartley(*ops.rfft(tables)), 0.0)
    return hartley(*ops.rfft(spectrum)) / points


def read_tables(tables: Tensor, phase: Tensor) -> Tensor:
    """Reads wavetables by linear interpolation between neighbouring points.

    Args:
        tables: Wavetables [batch, frames, points]; the point after the last is the first.
        phase: Phase in cycles [batch, frames, hop].

    Returns:
        [batch, frames, hop].

    Example:
        >>> tables = ops.convert_to_tensor([[[0.0, 1.0, 0.0, -1.0]]])
        >>> phase = ops.convert_to_tensor([[[0.0, 0.125, 0.25, 1.875]]])
        >>> read_tables(tables, phase).numpy().tolist()
        [[[0.0, 0.5, 1.0, -0.5]]]
    """
    points = tables.shape[-1]
    position = (phase - ops.floor(phase)) * points
    before = ops.floor(position)
    share = position - before
    index = ops.cast(before, "int32") % points
    here = ops.take_along_axis(tables, index, axis=-1)
    there = ops.take_along_axis(tables, (index + 1) % points, axis=-1)
    return here + (there - here) * share
