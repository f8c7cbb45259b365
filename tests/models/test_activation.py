import keras
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from keras import ops

from ddsp_tf.models.activation import activated, activated_dense

CHANNELS, UNITS = 6, 4


@pytest.fixture
def values(rng):
    """Centred channels, scale, offset, kernel and bias."""
    centred = rng.normal(size=(2, 5, CHANNELS))
    arrays = [
        centred - centred.mean(axis=-1, keepdims=True),
        rng.normal(1.0, 0.5, CHANNELS),
        rng.normal(0.0, 0.5, CHANNELS),
        rng.normal(size=(CHANNELS, UNITS)),
        rng.normal(size=UNITS),
    ]
    return [array.astype(np.float32) for array in arrays]


def expected_activated(centred, scale, offset):
    """Layer normalization of channels without a mean, and a leaky ReLU, in float64."""
    centred = np.float64(centred)
    spread = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    normalized = centred / spread * scale + offset
    return np.where(normalized > 0.0, normalized, 0.2 * normalized)


def expected_dense(centred, scale, offset, kernel, bias):
    return expected_activated(centred, scale, offset) @ kernel + bias


FUNCTIONS = {"activated": (activated, expected_activated, 3)}
FUNCTIONS["activated_dense"] = (activated_dense, expected_dense, 5)
both = pytest.mark.parametrize(("function", "expected", "count"), FUNCTIONS.values(), ids=FUNCTIONS)


@both
def test_equals_its_formula(function, expected, count, values):
    ours = to_numpy(compiled(function)(*values[:count]))
    np.testing.assert_allclose(ours, expected(*values[:count]), atol=1e-5)


@both
def test_gradients(function, expected, count, values, rng):
    values = values[:count]
    weight = rng.normal(size=expected(*values).shape)
    ours = gradient(lambda *a: ops.sum(function(*a) * weight.astype(np.float32)), *values)
    step = 1e-6
    for number, array in enumerate(values):
        slopes = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            sums = []
            for sign in (-1.0, 1.0):
                moved = [np.float64(value) for value in values]
                moved[number][index] += sign * step
                sums.append(np.sum(expected(*moved) * weight))
            slopes[index] = (sums[1] - sums[0]) / (2.0 * step)
        np.testing.assert_allclose(ours[number], slopes, rtol=1e-4, atol=1e-4)


def test_channels_that_are_all_0(values):
    values[0] = np.zeros_like(values[0])
    ours = gradient(lambda *a: ops.sum(activated_dense(*a)), *values)
    assert all(np.isfinite(slopes).all() for slopes in ours)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(values, dtype):
    """The norm is computed in float32: the square of 300 is more than a float16 can hold."""
    centred, scale, offset, kernel, bias = values
    halves = [ops.cast(value, dtype) for value in (300.0 * centred, kernel, bias)]
    outputs = activated_dense(halves[0], scale, offset, *halves[1:])
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    difference = np.abs(to_numpy(ops.cast(outputs, "float32")) - expected_dense(*values))
    assert difference.max() < 0.1
