"""Long signals, computed one stretch of frames after the other."""

from collections.abc import Callable

from keras import ops

from ddsp_tf.backend.gradients import is_forward_only
from ddsp_tf.typing import Tensor

# Samples of a stretch. With half as many or twice as many it takes about as long.
_SAMPLES = 1 << 16


def by_stretches(function: Callable[..., Tensor], hop: int, *frames: Tensor) -> Tensor:
    """Computes a signal whose frames do not need each other.

    In the graphs of exported models, which play pieces of any length, and only forward: stretch
    by stretch, because what a bank of sines has in between is many times as large as its signal.
    Elsewhere at once: a gradient would need all of it anyway.

    Args:
        function: From tensors [batch, frames, any] to a signal [batch, frames * hop]; zeros
            behind the end must do no harm.
        hop: Samples per frame.
        *frames: What it takes, [batch, frames, any] each.

    Returns:
        [batch, frames * hop].

    Example:
        >>> held = lambda frames: ops.repeat(frames[:, :, 0], 4, axis=1)
        >>> by_stretches(held, 4, ops.ones((1, 3, 1))).shape
        TensorShape([1, 12])
    """
    if frames[0].shape[1] is not None or not is_forward_only():
        return function(*frames)
    size = max(_SAMPLES // hop, 1)
    batch, count = ops.shape(frames[0])[0], ops.shape(frames[0])[1]
    # At least one, because without any there is nothing to tell the signal's kind from.
    stretches = ops.maximum((count + size - 1) // size, 1)

    def cut(values):
        padded = ops.pad(values, [[0, 0], [0, size], [0, 0]])[:, : stretches * size]
        parts = ops.reshape(padded, (batch, stretches, size, values.shape[-1]))
        return ops.transpose(parts, (1, 0, 2, 3))

    parts = ops.map(lambda part: function(*part), tuple(cut(values) for values in frames))
    signal = ops.reshape(ops.transpose(parts, (1, 0, 2)), (batch, stretches * size * hop))
    return signal[:, : count * hop]
