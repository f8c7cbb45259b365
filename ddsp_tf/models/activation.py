"""Normalization and activation between dense layers, with gradients that keep little in memory."""

from keras import ops

from ddsp_tf.dsp.gradients import custom_gradient
from ddsp_tf.typing import Tensor

_EPSILON = 1e-5
_SLOPE = 0.2


@custom_gradient
def activated(centred: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Normalizes channels without a mean, and applies a leaky ReLU.

    leaky_relu(centred / sqrt(mean(centred ** 2) + 1e-5) * scale + offset), the mean being over the
    channels: layer normalization (Ba, Kiros and Hinton, 2016) of what has the mean 0 already. Of
    the forward pass only `centred`, and a number for each frame, are kept for the backward pass.

    Args:
        centred: [batch, frames, channels], with a mean of 0 over the channels.
        scale: [channels] float32.
        offset: [channels] float32.

    Returns:
        [batch, frames, channels] in the dtype of `centred`.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[3.0, -3.0]]], "float32")
        >>> activated(x, np.ones(2, "float32"), np.zeros(2, "float32")).numpy().round(2)
        array([[[ 1. , -0.2]]], dtype=float32)
    """
    spread = _inverse_spread(centred)
    outputs = _leaky(ops.cast(centred, "float32") * spread * scale + offset)

    def backward(upstream):
        return _gradients(centred, spread, scale, offset, upstream)

    return ops.cast(outputs, centred.dtype), backward


@custom_gradient
def activated_dense(
    centred: Tensor, scale: Tensor, offset: Tensor, kernel: Tensor, bias: Tensor
) -> Tensor:
    """Applies `activated`, and a dense layer to that.

    In one function, so that what is between the two is computed anew in the backward pass: it
    costs less time than anything else there, and would take as much memory as `centred`.

    Args:
        centred: [batch, frames, channels], with a mean of 0 over the channels.
        scale: [channels] float32.
        offset: [channels] float32.
        kernel: [channels, units], in the dtype of `centred`.
        bias: [units], in the dtype of `centred`.

    Returns:
        [batch, frames, units] in the dtype of `centred`.

    Example:
        >>> import numpy as np
        >>> x = np.array([[[3.0, -3.0]]], "float32")
        >>> ones, kernel = np.ones(2, "float32"), np.ones((2, 1), "float32")
        >>> activated_dense(x, ones, 0 * ones, kernel, ones[:1]).numpy().round(1)
        array([[[1.8]]], dtype=float32)
    """
    spread = _inverse_spread(centred)
    hidden = _leaky(ops.cast(centred, "float32") * spread * scale + offset)
    outputs = ops.matmul(ops.cast(hidden, kernel.dtype), kernel) + bias

    def backward(upstream):
        hidden = ops.cast(_leaky(_before_activation(centred, spread, scale, offset)), kernel.dtype)
        channels, units = kernel.shape
        rows = ops.reshape(upstream, (-1, units))
        by_kernel = ops.matmul(ops.transpose(ops.reshape(hidden, (-1, channels))), rows)
        by_bias = ops.cast(ops.sum(ops.cast(rows, "float32"), axis=0), bias.dtype)
        by_hidden = ops.matmul(upstream, ops.transpose(kernel))
        return *_gradients(centred, spread, scale, offset, by_hidden), by_kernel, by_bias

    return outputs, backward


def _inverse_spread(centred):
    power = ops.mean(ops.square(ops.cast(centred, "float32")), axis=-1, keepdims=True)
    return ops.rsqrt(power + _EPSILON)


def _leaky(values):
    return ops.leaky_relu(values, negative_slope=_SLOPE)


def _before_activation(centred, spread, scale, offset):
    # Multiplied in another order than in the forward pass: compilers that find the same expression
    # twice compute it once, and keep it in between.
    return ops.cast(centred, "float32") * scale * spread + offset


def _gradients(centred, spread, scale, offset, upstream):
    """Gradients of the activation by its arguments."""
    values, upstream = ops.cast(centred, "float32"), ops.cast(upstream, "float32")
    rises = _before_activation(centred, spread, scale, offset) > 0.0
    upstream = ops.where(rises, upstream, _SLOPE * upstream)
    frames = tuple(range(len(centred.shape) - 1))
    by_scale = ops.sum(upstream * spread * values, axis=frames)
    by_offset = ops.sum(upstream, axis=frames)
    by_normalized = upstream * scale
    along = ops.mean(by_normalized * values, axis=-1, keepdims=True)
    by_centred = spread * by_normalized - spread**3 * along * values
    return ops.cast(by_centred, centred.dtype), by_scale, by_offset
