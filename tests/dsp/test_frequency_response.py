import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.backend.execution import Execution
from ddsp_tf.dsp.frequency_response import gain_at


@pytest.fixture(params=[False, True], ids=["gathered", "fused"])
def execution(request):
    """Either form."""
    return Execution(fused=request.param)


@pytest.mark.parametrize(("points", "sample_rate"), [(2, 16000), (65, 16000), (193, 48000)])
def test_it_is_interpolated_in_decibels(execution, rng, points, sample_rate):
    response_db = rng.uniform(-60.0, 20.0, points).astype(np.float32)
    frequencies = rng.uniform(0.0, sample_rate / 2.0, (3, 50, 8)).astype(np.float32)
    found = to_numpy(
        compiled(lambda r, f: gain_at(r, f, sample_rate, execution))(response_db, frequencies)
    )
    grid = np.linspace(0.0, sample_rate / 2.0, points)
    expected = np.interp(np.float64(frequencies), grid, response_db)
    np.testing.assert_allclose(20.0 * np.log10(found), expected, atol=2e-3)


def test_at_the_points_between_and_beyond(execution):
    frequencies = np.float32([0.0, 4000.0, 8000.0, 2000.0, 8000.1, 1e6])
    found = to_numpy(gain_at(np.float32([0.0, 6.0, -20.0]), frequencies, 16000, execution))
    assert_close(20.0 * np.log10(found), [0.0, 6.0, -20.0, 3.0, -20.0, -20.0], SUMS)


def test_gradients_by_finite_differences(execution, rng):
    response_db = rng.uniform(-20.0, 6.0, 9)
    # Not across a point, where the slope changes.
    frequencies = 1000.0 * rng.integers(0, 8, 40) + rng.uniform(100.0, 900.0, 40)
    weights = rng.normal(size=40)

    def value(response_db, frequencies):
        level = np.interp(frequencies, np.linspace(0.0, 8000.0, 9), response_db)
        return float(np.sum(weights * 10.0 ** (level / 20.0)))

    def ours(response_db, frequencies):
        return ops.sum(
            gain_at(response_db, frequencies, 16000, execution) * weights.astype(np.float32)
        )

    found = gradient(ours, np.float32(response_db), np.float32(frequencies))
    for slope, place, step in zip(found, (0, 1), (1e-4, 1e-2), strict=True):
        arguments = [response_db, frequencies]
        for k in range(arguments[place].size):
            values = []
            for sign in (1.0, -1.0):
                moved = [np.array(argument) for argument in arguments]
                moved[place][k] += sign * step
                values.append(value(*moved))
            expected = (values[0] - values[1]) / (2.0 * step)
            assert to_numpy(slope)[k] == pytest.approx(expected, rel=2e-3, abs=1e-5)


def test_responses_are_mixed_in_decibels(execution, rng):
    responses = rng.normal(0.0, 10.0, (3, 5)).astype(np.float32)
    mixture = rng.dirichlet(np.ones(3), (2, 4)).astype(np.float32)
    frequencies = rng.uniform(0.0, 8000.0, (2, 4, 6)).astype(np.float32)
    ours = to_numpy(gain_at(responses, frequencies, 16000, execution, mixture))
    points_hz = np.linspace(0.0, 8000.0, 5)
    for place in np.ndindex(2, 4):
        expected_db = np.interp(frequencies[place], points_hz, mixture[place] @ responses)
        assert_close(ours[place], 10.0 ** (expected_db / 20.0), SUMS)
