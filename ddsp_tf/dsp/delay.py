"""Delay lines whose length changes from sample to sample."""

from keras import ops

from ddsp_tf.typing import Tensor

INTERPOLATIONS = ("cubic", "linear")


def _interpolation_weights(fraction: Tensor, interpolation: str) -> dict:
    """Weights of the samples around a delay, by their distance from its integer part."""
    if interpolation == "linear":
        return {0: 1.0 - fraction, 1: fraction}
    square = fraction * fraction
    cube = square * fraction
    return {
        -1: square - 0.5 * (fraction + cube),
        0: 1.0 - 2.5 * square + 1.5 * cube,
        1: 0.5 * fraction + 2.0 * square - 1.5 * cube,
        2: 0.5 * (cube - square),
    }


def variable_delay(line: Tensor, delay: Tensor, past: int, interpolation: str = "cubic") -> Tensor:
    """Reads a delay line between its samples.

    "linear" interpolates between two samples, which attenuates high frequencies. "cubic" is Keys'
    convolution kernel with a = -1/2 (IEEE Trans. ASSP 29(6), 1981), the Catmull-Rom spline: four
    samples and a continuous slope, so that delays can be learned. It reads one sample ahead where
    the delay is below 1.

    Args:
        line: Content of the line [batch, past + samples or more]: the signal with `past` samples
            before it and any number after it; silent beyond its ends.
        delay: Delay in samples [batch, samples]; clipped to 0..past.
        past: Samples of the line before the first one of the signal.
        interpolation: Kind of interpolation, "cubic" or "linear".

    Returns:
        [batch, samples]: sample n is the line at `past + n - delay[n]`.

    Raises:
        ValueError: If the interpolation is unknown.

    Example:
        >>> import numpy as np
        >>> line = np.arange(10, dtype=np.float32)[None]
        >>> variable_delay(line, np.float32([[0.0, 0.5, 4.25]]), past=5).numpy().tolist()
        [[5.0, 5.5, 2.75]]
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation={interpolation!r}; expected one of {INTERPOLATIONS}")
    delay = ops.clip(ops.convert_to_tensor(delay, "float32"), 0.0, float(past))
    whole = ops.stop_gradient(ops.floor(delay))
    # The kernel reaches two samples beyond the line's ends.
    line = ops.pad(ops.convert_to_tensor(line, "float32"), [[0, 0], [2, 2]])
    # Integers, because float32 positions would lose their fraction within minutes.
    position = ops.arange(ops.shape(delay)[1], dtype="int32") + (past + 2)
    position = position[None, :] - ops.cast(whole, "int32")
    batch, length = ops.shape(line)[0], ops.shape(line)[1]
    position = position + (ops.arange(batch, dtype="int32") * length)[:, None]
    line = ops.reshape(line, (-1,))
    total = 0.0
    for distance, weight in _interpolation_weights(delay - whole, interpolation).items():
        total = total + weight * ops.take(line, position - distance)
    return total
