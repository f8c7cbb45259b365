import effect_references
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from effect_streaming import in_blocks
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.processors import FilteredNoiseReverb

SIZES = {"length": 120, "n_frames": 10, "n_bands": 5}


@pytest.fixture
def dry(rng):
    """Batch 3 of 500 samples."""
    return rng.uniform(-1.0, 1.0, (3, 500)).astype(np.float32)


@pytest.fixture
def noise(rng):
    return rng.uniform(-1.0, 1.0, 120).astype(np.float32)


@pytest.fixture
def raw(rng):
    """Raw magnitudes for every row, as loud as a room may be."""
    return (rng.normal(size=(3, 10, 5)) + 2.0).astype(np.float32)


def expected_wet(dry, gains, noise):
    noise = np.broadcast_to(noise, (len(gains), 120))
    response = effect_references.filtered_noise_response(gains, noise)
    return effect_references.wet(dry, effect_references.with_direct_sound(response))


def test_what_every_processor_does(run_processor_test, dry):
    run_processor_test(FilteredNoiseReverb(**SIZES, initial_bias=0.0), {"signal": dry})


def test_the_learned_room_begins_faint(dry):
    processor = FilteredNoiseReverb(**SIZES)
    processor.build()
    assert [tuple(weight.shape) for weight in processor.weights] == [(10, 5)]
    response = to_numpy(processor.get_controls(dry)["impulse_response"])
    assert response.shape == (120,) and response[0] == 1.0
    assert 0.0 < np.abs(response[1:]).max() < 0.01


def test_the_learned_room_equals_the_reference(dry, noise, raw):
    processor = FilteredNoiseReverb(**SIZES)
    processor.build()
    processor.magnitudes.assign(raw[0])
    gains = effect_references.exp_sigmoid(raw[:1] - 3.0)
    ours = to_numpy(compiled(lambda s: processor(s, noise=noise))(dry))
    assert_close(ours, expected_wet(dry, gains, noise), SUMS)


def test_magnitudes_for_every_row(dry, noise, raw):
    processor = FilteredNoiseReverb(**SIZES, learned=False)
    assert processor.weights == [] and processor.input_names == ("signal", "magnitudes")
    expected = expected_wet(dry, effect_references.exp_sigmoid(raw - 3.0), noise)
    ours = to_numpy(compiled(processor)(dry, raw, noise))
    assert_close(ours, expected, SUMS)
    streamed = in_blocks(processor, dry, (1, 64, 135, 300), magnitudes=raw, noise=noise)
    assert_close(streamed, expected, SUMS)


@pytest.mark.parametrize("rows", [1, 3])
def test_one_room_of_gains_for_all(rng, dry, rows):
    noise = rng.uniform(-1.0, 1.0, (rows, 120)).astype(np.float32)
    gains = rng.uniform(0.0, 0.2, (10, 5)).astype(np.float32)
    processor = FilteredNoiseReverb(**SIZES, learned=False, scale=False)
    given = noise if rows == 3 else noise[0]
    ours = to_numpy(compiled(processor)(dry, gains, given))
    expected = expected_wet(dry, np.broadcast_to(gains, (rows, 10, 5)), noise)
    assert_close(ours, expected, SUMS)


def test_a_seed_is_a_room(dry):
    def response(seed):
        processor = FilteredNoiseReverb(**SIZES, seed=seed)
        return to_numpy(processor.get_controls(dry)["impulse_response"])

    np.testing.assert_array_equal(response(3), response(3))
    assert abs(np.corrcoef(response(3)[1:], response(4)[1:])[0, 1]) < 0.3


def test_gradients_by_finite_differences(rng, dry, noise, raw):
    listener = rng.normal(size=dry.shape).astype(np.float32)
    processor = FilteredNoiseReverb(**SIZES, learned=False)
    (ours,) = gradient(lambda m: ops.sum(processor(dry, m, noise) * listener), raw)

    def heard(magnitudes):
        gains = effect_references.exp_sigmoid(magnitudes - 3.0)
        return np.sum(expected_wet(dry, gains, noise) * listener)

    indices = [(0, 0, 0), (0, 5, 4), (1, 9, 2), (2, 3, 1)]
    effect_references.check_slopes(ours, heard, raw, indices)


def test_gradients_at_extremes_are_finite(dry):
    processor = FilteredNoiseReverb(**SIZES, learned=False)
    extreme = np.full((3, 10, 5), 1e4, np.float32)
    extreme[:, ::2] = -1e4
    for value in gradient(lambda s, m: ops.sum(processor(s, m) ** 2), np.zeros_like(dry), extreme):
        assert np.all(np.isfinite(value))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_frames": 7}, "n_frames=7 does not divide length=120"),
        ({"n_frames": 0}, "n_frames=0 does not divide length=120"),
        ({"n_bands": 1}, "n_bands=1; expected at least 2"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        FilteredNoiseReverb(**SIZES | wrong)


def test_wrong_inputs(dry, raw):
    processor = FilteredNoiseReverb(**SIZES, learned=False, name="hall")
    with pytest.raises(ValueError, match="hall: magnitudes was not given"):
        processor(dry)
    with pytest.raises(ValueError, match=r"hall: magnitudes have shape \(3, 10, 4\); expected"):
        processor(dry, raw[:, :, :4])
    with pytest.raises(ValueError, match="hall: noise has 7 samples; expected length=120"):
        processor(dry, raw, np.ones(7, np.float32))
