import effect_references
import numpy as np
import pytest
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from tolerance import assert_close

from ddsp_tf.dsp.delay import variable_delay

PAST = 12
INTERPOLATIONS = ["cubic", "linear"]


def delayed(signal, delay, interpolation="cubic"):
    line = ops.pad(ops.convert_to_tensor(signal, "float32"), [[0, 0], [PAST, 0]])
    return variable_delay(line, delay, PAST, interpolation)


@pytest.fixture
def signal(rng):
    return rng.normal(size=(2, 40)).astype(np.float32)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_equals_the_reference(rng, signal, interpolation):
    delay = rng.uniform(0.0, 10.0, (2, 40)).astype(np.float32)
    delay[:, :4] = [0.0, 1.0, 10.0, 0.5]
    ours = compiled(lambda s, d: delayed(s, d, interpolation))(signal, delay)
    expected = effect_references.delayed(signal, delay, interpolation)
    assert_close(to_numpy(ours), expected)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("delay", [0, 1, 7, 12])
def test_a_whole_delay_moves_the_signal(signal, delay, interpolation):
    ours = to_numpy(delayed(signal, np.full((2, 40), delay, np.float32), interpolation))
    expected = np.pad(signal, [[0, 0], [delay, 0]])[:, :40]
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(("interpolation", "best_db"), [("linear", -31.0), ("cubic", -52.0)])
def test_a_sine_between_samples(interpolation, best_db):
    time = np.arange(400)
    sine = np.sin(2.0 * np.pi * 0.06 * time)[None]
    ours = to_numpy(delayed(sine, np.full((1, 400), 4.5, np.float32), interpolation))[0]
    error = (ours - np.sin(2.0 * np.pi * 0.06 * (time - 4.5)))[20:-20]
    assert 20.0 * np.log10(np.sqrt(np.mean(error**2) * 2.0)) < best_db


def test_delays_beyond_the_line_are_clipped(signal):
    far = to_numpy(delayed(signal, np.full((2, 40), 1e9, np.float32)))
    np.testing.assert_array_equal(far, to_numpy(delayed(signal, np.full((2, 40), 12.0))))
    ahead = to_numpy(delayed(signal, np.full((2, 40), -5.0, np.float32)))
    np.testing.assert_array_equal(ahead, signal)


def test_the_fraction_survives_far_from_the_start():
    # Position 2 ** 24 + 2 has no fraction in float32.
    far = 2**24
    line = np.zeros((1, far + 4), np.float32)
    line[0, far : far + 4] = [1.0, 2.0, 3.0, 4.0]
    ours = to_numpy(variable_delay(line, np.float32([[0.75]]), far + 2, "linear"))
    assert float(ours[0, 0]) == 2.25


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_gradients_by_finite_differences(rng, signal, interpolation):
    delay = (rng.integers(1, 10, (2, 40)) + rng.uniform(0.1, 0.9, (2, 40))).astype(np.float32)
    listener = rng.normal(size=(2, 40)).astype(np.float32)

    def heard(s, d):
        return np.sum(effect_references.delayed(s, d, interpolation) * listener)

    ours = gradient(lambda s, d: ops.sum(delayed(s, d, interpolation) * listener), signal, delay)
    indices = [(0, 15), (1, 20), (0, 39), (1, 3)]
    effect_references.check_slopes(ours[0], lambda s: heard(s, delay), signal, indices)
    effect_references.check_slopes(ours[1], lambda d: heard(signal, d), delay, indices)


def test_the_slope_of_the_cubic_has_no_steps(signal):
    def slope(delay):
        delays = np.full((2, 40), delay, np.float32)
        return gradient(lambda d: ops.sum(delayed(signal, d) * signal), delays)[0]

    np.testing.assert_allclose(slope(5.0), slope(5.0 - 1e-5), atol=1e-3)


@tensorflow_only
def test_unknown_length(rng, signal):
    delay = rng.uniform(0.0, 10.0, (2, 40)).astype(np.float32)
    ours = with_unknown_length(delayed, signal, delay)
    assert_close(ours, effect_references.delayed(signal, delay, "cubic"))


def test_an_unknown_interpolation(signal):
    with pytest.raises(ValueError, match="interpolation='sinc'; expected one of"):
        delayed(signal, np.ones((2, 40)), "sinc")
