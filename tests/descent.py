"""Gradient descent on a few arrays, on either backend, without any network."""

import numpy as np
from backends import TENSORFLOW, to_numpy
from keras import ops


def descend(loss, start, steps, rate):
    """Adam with a rate that falls to nothing; returns the arrays that it ends with."""
    slopes = _slopes(loss)
    values = [np.float32(value) for value in start]
    mean, square = ([np.zeros_like(value) for value in values] for _ in range(2))
    for step in range(1, steps + 1):
        size = rate * 0.5 * (1.0 + np.cos(np.pi * step / steps))
        for k, slope in enumerate(slopes(*values)):
            slope = to_numpy(slope)
            mean[k] += 0.1 * (slope - mean[k])
            square[k] += 0.01 * (slope**2 - square[k])
            ratio = mean[k] / (1 - 0.9**step) / (np.sqrt(square[k] / (1 - 0.99**step)) + 1e-12)
            values[k] = np.float32(values[k] - size * ratio)
    return values


def _slopes(loss):
    if not TENSORFLOW:
        import jax

        places = tuple(range(loss.__code__.co_argcount))
        return jax.jit(jax.grad(lambda *values: loss(*values), argnums=places))
    import tensorflow as tf

    @tf.function
    def slopes(*values):
        values = [ops.convert_to_tensor(value) for value in values]
        with tf.GradientTape() as tape:
            tape.watch(values)
            value = loss(*values)
        return tape.gradient(value, values)

    return slopes
