import effect_references
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from keras import ops
from tolerance import assert_close

from ddsp_tf.dsp.impulse_responses import (
    decay_exponent,
    decaying_noise,
    filtered_noise_response,
    set_direct_sound,
)


@pytest.fixture
def noise(rng):
    return rng.uniform(-1.0, 1.0, 200).astype(np.float32)


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_the_direct_sound_replaces_the_first_tap(rng, shape):
    response = rng.normal(size=shape).astype(np.float32)
    ours = to_numpy(set_direct_sound(response, 0.5))
    np.testing.assert_array_equal(ours, effect_references.with_direct_sound(response, 0.5))


def test_decaying_noise_equals_the_reference(noise):
    gain, decay = np.float32([[0.5], [2.0]]), np.float32([[3.0], [60.0]])
    expected = effect_references.decaying_noise(gain, decay, noise)
    ours = to_numpy(compiled(decaying_noise)(gain, decay, noise))
    assert_close(ours, expected)


def test_the_level_falls_by_60_db_in_the_stated_time():
    decay = 20.0
    ours = to_numpy(decaying_noise([1.0], [decay], np.ones(100001, np.float32)))
    level_db = 20.0 * np.log10(ours[round(6.91 / decay * 100000)])
    assert level_db == pytest.approx(-60.0, abs=0.05)


def test_gradients_by_finite_differences(rng, noise):
    gain, decay = np.float32([[0.5], [2.0]]), np.float32([[3.0], [60.0]])
    listener = rng.normal(size=(2, 200)).astype(np.float32)
    ours = gradient(lambda g, d: ops.sum(decaying_noise(g, d, noise) * listener), gain, decay)

    def heard(g, d):
        return np.sum(effect_references.decaying_noise(g, d, noise) * listener)

    indices = [(0, 0), (1, 0)]
    effect_references.check_slopes(ours[0], lambda g: heard(g, decay), gain, indices)
    effect_references.check_slopes(ours[1], lambda d: heard(gain, d), decay, indices)


@pytest.mark.parametrize("raw", [-1e4, -20.0, 0.0, 10.0, 15.0, 1e4])
def test_no_raw_decay_overflows(noise, raw):
    response = to_numpy(decaying_noise([1.0], decay_exponent([raw]), noise))
    assert np.all(np.isfinite(response)) and response[0] == noise[0]
    (slope,) = gradient(
        lambda d: ops.sum(decaying_noise([1.0], decay_exponent(d), noise)), np.float32([raw])
    )
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize(("frames", "n_bands"), [(10, 5), (1, 9), (200, 3)])
def test_filtered_noise_equals_the_reference(rng, noise, frames, n_bands):
    magnitudes = rng.uniform(0.0, 1.0, (2, frames, n_bands)).astype(np.float32)
    ours = to_numpy(compiled(filtered_noise_response)(magnitudes, noise[None]))
    expected = effect_references.filtered_noise_response(magnitudes, np.stack([noise, noise]))
    assert ours.shape == (2, 200)
    assert_close(ours, expected)
