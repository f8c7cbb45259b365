import keras
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from keras import ops

from ddsp_tf.models.lean_dense import activated, activated_dense, joined_dense

CHANNELS, UNITS = 6, 4


@pytest.fixture
def values(rng):
    """Channels, scale, offset, kernel and bias."""
    arrays = [
        rng.normal(0.3, 1.0, (2, 5, CHANNELS)),
        rng.normal(1.0, 0.5, CHANNELS),
        rng.normal(0.0, 0.5, CHANNELS),
        rng.normal(size=(CHANNELS, UNITS)),
        rng.normal(size=UNITS),
    ]
    return [array.astype(np.float32) for array in arrays]


def expected_activated(x, scale, offset):
    """Layer normalization and a leaky ReLU, in float64."""
    x = np.float64(x)
    normalized = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    normalized = normalized * scale + offset
    return np.where(normalized > 0.0, normalized, 0.2 * normalized)


def expected_dense(x, scale, offset, kernel, bias):
    return expected_activated(x, scale, offset) @ kernel + bias


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


def test_joined(rng):
    shapes = [(2, 5, 2), (2, 5, 3), (5, UNITS), (UNITS,)]
    values = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    left, right, kernel, bias = map(np.float64, values)
    expected = np.concatenate([left, right], axis=-1) @ kernel + bias
    np.testing.assert_allclose(to_numpy(compiled(joined_dense)(*values)), expected, atol=1e-5)
    weight = rng.normal(size=expected.shape)
    ours = gradient(lambda *a: ops.sum(joined_dense(*a) * weight.astype(np.float32)), *values)
    by_both = weight @ kernel.T
    both = np.concatenate([left, right], axis=-1).reshape(-1, 5)
    by_kernel = both.T @ weight.reshape(-1, UNITS)
    slopes = [by_both[..., :2], by_both[..., 2:], by_kernel, weight.sum(axis=(0, 1))]
    for mine, slope in zip(ours, slopes, strict=True):
        np.testing.assert_allclose(mine, slope, atol=1e-5)


def test_channels_that_are_all_0(values):
    values[0] = np.zeros_like(values[0])
    ours = gradient(lambda *a: ops.sum(activated_dense(*a)), *values)
    assert all(np.isfinite(slopes).all() for slopes in ours)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(values, dtype):
    """The norm is computed in float32: the square of 300 is more than a float16 can hold."""
    x, scale, offset, kernel, bias = values
    halves = [ops.cast(value, dtype) for value in (300.0 * x, kernel, bias)]
    outputs = activated_dense(halves[0], scale, offset, *halves[1:])
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    difference = np.abs(to_numpy(ops.cast(outputs, "float32")) - expected_dense(*values))
    assert difference.max() < 0.1

    def loss(*values):
        kinds = (dtype, "float32", "float32", dtype, dtype)
        cast = [ops.cast(value, kind) for value, kind in zip(values, kinds, strict=True)]
        return ops.sum(ops.cast(activated_dense(*cast), "float32"))

    exact = gradient(lambda *values: ops.sum(activated_dense(*values)), *values)
    for half, whole in zip(gradient(loss, *values), exact, strict=True):
        np.testing.assert_allclose(half, whole, atol=0.03 * np.abs(whole).max())
