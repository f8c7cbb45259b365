"""Dense layers, and what is between them, with gradients that keep little in memory."""

from keras import ops

from ddsp_tf.backend.gradients import custom_gradient
from ddsp_tf.typing import Tensor

# Added to the variance, and the slope of the leaky ReLU below 0.
EPSILON = 1e-5
_SLOPE = 0.2


@custom_gradient
def activated(values: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Normalizes every frame's channels, and applies a leaky ReLU.

    leaky_relu((x - mean(x)) / sqrt(variance(x) + 1e-5) * scale + offset), with a slope of 0.2 below
    0: layer normalization (Ba, Kiros and Hinton, 2016) before the activation. For the backward
    pass x and two numbers a frame are kept.

    Args:
        values: [batch, frames, channels].
        scale: [channels] float32.
        offset: [channels] float32.

    Returns:
        [batch, frames, channels] in the dtype of `values`.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[5.0, -1.0]]], "float32")
        >>> activated(x, np.ones(2, "float32"), np.zeros(2, "float32")).numpy().round(2)
        array([[[ 1. , -0.2]]], dtype=float32)
    """
    outputs, mean, spread = _activate(values, scale, offset)

    def backward(upstream):
        return _gradients(_below(values, mean), spread, scale, offset, upstream)

    return ops.cast(outputs, values.dtype), backward


@custom_gradient
def activated_dense(
    values: Tensor, scale: Tensor, offset: Tensor, kernel: Tensor, bias: Tensor
) -> Tensor:
    """Applies `activated`, and a dense layer to that.

    In one function, so that what is between the two, as large as `values`, is not kept for the
    backward pass but computed anew.

    Args:
        values: [batch, frames, channels].
        scale: [channels] float32.
        offset: [channels] float32.
        kernel: [channels, units], in the dtype of `values`.
        bias: [units], in the dtype of `values`.

    Returns:
        [batch, frames, units] in the dtype of `values`.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[5.0, -1.0]]], "float32")
        >>> ones, kernel = np.ones(2, "float32"), np.ones((2, 1), "float32")
        >>> activated_dense(x, ones, 0 * ones, kernel, ones[:1]).numpy().round(1)
        array([[[1.8]]], dtype=float32)
    """
    hidden, mean, spread = _activate(values, scale, offset)
    outputs = ops.matmul(ops.cast(hidden, kernel.dtype), kernel) + bias

    def backward(upstream):
        below = _below(values, mean)
        hidden = ops.cast(_leaky(_before_activation(below, spread, scale, offset)), kernel.dtype)
        channels, units = kernel.shape
        rows = ops.reshape(upstream, (-1, units))
        by_kernel = ops.matmul(ops.transpose(ops.reshape(hidden, (-1, channels))), rows)
        by_hidden = ops.matmul(upstream, ops.transpose(kernel))
        return *_gradients(below, spread, scale, offset, by_hidden), by_kernel, _sum(rows)

    return outputs, backward


@custom_gradient
def joined_dense(left: Tensor, right: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Applies a dense layer to the channels of two tensors side by side.

    The two joined are not kept for the backward pass.

    Args:
        left: [batch, frames, any].
        right: [batch, frames, any].
        kernel: [channels of both, units].
        bias: [units].

    Returns:
        [batch, frames, units].

    Example:
        >>> import numpy as np
        >>> ones = lambda *shape: np.ones(shape, "float32")
        >>> joined_dense(ones(1, 1, 2), ones(1, 1, 3), ones(5, 1), ones(1)).numpy()
        array([[[6.]]], dtype=float32)
    """
    outputs = ops.matmul(ops.concatenate([left, right], axis=-1), kernel) + bias

    def backward(upstream):
        units = kernel.shape[1]
        rows = ops.reshape(upstream, (-1, units))
        by_kernel, by_parts, first = [], [], 0
        for part in (left, right):
            channels = part.shape[-1]
            columns = ops.transpose(ops.reshape(part, (-1, channels)))
            by_kernel.append(ops.matmul(columns, rows))
            by_parts.append(ops.matmul(upstream, ops.transpose(kernel[first : first + channels])))
            first += channels
        return *by_parts, ops.concatenate(by_kernel, axis=0), _sum(rows)

    return outputs, backward


def _sum(rows):
    return ops.cast(ops.sum(ops.cast(rows, "float32"), axis=0), rows.dtype)


def _activate(values, scale, offset):
    """The activation in float32; every frame's mean, and by what it is multiplied: [..., 1]."""
    values = ops.cast(values, "float32")
    mean = ops.mean(values, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(values - mean), axis=-1, keepdims=True)
    spread = ops.rsqrt(variance + EPSILON)
    return _leaky((values - mean) * spread * scale + offset), mean, spread


def _leaky(values):
    return ops.leaky_relu(values, negative_slope=_SLOPE)


def _below(values, mean):
    """By how much values lie below the mean.

    Not above, as in the forward pass: compilers that find the same operations twice compute them
    once, and keep the result in between.
    """
    return mean - ops.cast(values, "float32")


def _before_activation(below, spread, scale, offset):
    return below * -scale * spread + offset


def _gradients(below, spread, scale, offset, upstream):
    """Gradients of the activation by its arguments."""
    dtype, upstream = upstream.dtype, ops.cast(upstream, "float32")
    rises = _before_activation(below, spread, scale, offset) > 0.0
    upstream = ops.where(rises, upstream, _SLOPE * upstream)
    frames = tuple(range(len(below.shape) - 1))
    by_scale = -ops.sum(upstream * spread * below, axis=frames)
    by_offset = ops.sum(upstream, axis=frames)
    upstream = upstream * scale
    mean = ops.mean(upstream, axis=-1, keepdims=True)
    along = ops.mean(upstream * below, axis=-1, keepdims=True)
    by_values = spread * (upstream - mean - spread**2 * along * below)
    return ops.cast(by_values, dtype), by_scale, by_offset
