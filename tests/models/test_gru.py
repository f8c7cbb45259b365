import keras
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from keras import ops
from tolerance import assert_close

from ddsp_tf.models.gru import gru, run_gru

CHANNELS, UNITS, FRAMES = 3, 5, 21


@pytest.fixture
def values(rng):
    """Inputs, kernels, bias and state."""
    shapes = [
        (2, FRAMES, CHANNELS),
        (CHANNELS, 3 * UNITS),
        (UNITS, 3 * UNITS),
        (2, 3 * UNITS),
        (2, UNITS),
    ]
    return [rng.normal(0.0, 0.7, shape).astype(np.float32) for shape in shapes]


def expected_states(inputs, kernel, recurrent_kernel, bias, state):
    """Cho et al. (2014), the reset gate applied after the product, in float64."""

    def sigmoid(x):
        return 1.0 / (1.0 + np.exp(-x))

    h, states = np.float64(state), []
    for frame in range(inputs.shape[1]):
        x = np.float64(inputs[:, frame]) @ kernel + bias[0]
        y = h @ recurrent_kernel + bias[1]
        update = sigmoid(x[:, :UNITS] + y[:, :UNITS])
        reset = sigmoid(x[:, UNITS : 2 * UNITS] + y[:, UNITS : 2 * UNITS])
        candidate = np.tanh(x[:, 2 * UNITS :] + reset * y[:, 2 * UNITS :])
        h = update * h + (1.0 - update) * candidate
        states.append(h)
    return np.stack(states, axis=1)


def test_equals_its_formula(values):
    states, last = compiled(gru)(*values)
    expected = expected_states(*values)
    assert_close(to_numpy(states), expected)
    assert_close(to_numpy(last), expected[:, -1])


def test_equals_the_layer_of_keras(values):
    inputs, *weights, state = values
    layer = keras.layers.GRU(UNITS, return_sequences=True, return_state=True)
    layer.build((None, None, CHANNELS))
    layer.set_weights(weights)
    ours = compiled(lambda x, s: run_gru(layer, x, s))(inputs, state)
    theirs = compiled(lambda x, s: layer(x, initial_state=s))(inputs, state)
    for one, other in zip(ours, theirs, strict=True):
        assert_close(to_numpy(one), to_numpy(other))


def test_gradients(values, rng):
    weight = rng.normal(size=(2, FRAMES, UNITS)).astype(np.float32)

    def loss(*values):
        states, last = gru(*values)
        return ops.sum(states * weight) + ops.sum(last * last)

    def expected_loss(values):
        states = expected_states(*values)
        return np.sum(states * weight) + np.sum(states[:, -1] ** 2)

    step = 1e-5
    for number, ours in enumerate(gradient(loss, *values)):
        for index in rng.integers(0, values[number].shape, (6, values[number].ndim)):
            changed = []
            for sign in (-1.0, 1.0):
                moved = [np.float64(value) for value in values]
                moved[number][tuple(index)] += sign * step
                changed.append(expected_loss(moved))
            slope = (changed[1] - changed[0]) / (2.0 * step)
            assert ours[tuple(index)] == pytest.approx(slope, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_products_in_half_precision(values, dtype):
    halves = [ops.cast(value, dtype) for value in values[:3]]
    states, last = gru(*halves, *values[3:])
    assert {keras.backend.standardize_dtype(x.dtype) for x in (states, last)} == {"float32"}
    difference = np.abs(to_numpy(states) - expected_states(*values))
    assert 1e-6 < difference.max() < 0.1
