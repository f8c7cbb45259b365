import numpy as np
import pytest
import references
from backends import gradient, to_numpy
from keras import ops

from ddsp_tf.processors import FilteredNoise

HOP = 64


@pytest.fixture
def raw(rng):
    """Raw magnitudes of 9 bands and noise to filter, batch 3 of 12 frames."""
    return {
        "noise_magnitudes": rng.normal(size=(3, 12, 9)).astype(np.float32),
        "noise": rng.uniform(-1.0, 1.0, (3, 12 * HOP)).astype(np.float32),
    }


def test_what_every_processor_does(run_processor_test, raw):
    run_processor_test(FilteredNoise(n_bands=9, initial_bias=0.0), raw)


def test_a_filter_longer_than_a_block_streams(run_processor_test, rng):
    inputs = {
        "noise_magnitudes": rng.normal(size=(3, 12, 65)).astype(np.float32),
        "noise": rng.uniform(-1.0, 1.0, (3, 12 * 16)).astype(np.float32),
    }
    processor = FilteredNoise(n_bands=65, frame_rate=1000, initial_bias=0.0, name="reaching")
    run_processor_test(processor, inputs)


def test_controls_equal_the_original(golden):
    arrays, _ = golden("core_frequency_filter")
    ours = FilteredNoise(n_bands=65).get_controls(arrays["in_magnitudes"])
    expected = arrays["filtered_noise_controls__magnitudes"]
    np.testing.assert_allclose(to_numpy(ours["noise_magnitudes"]), expected, rtol=3e-5)


def test_signal_is_filtered_noise_without_delay(raw):
    gains = np.exp(raw["noise_magnitudes"])
    processor = FilteredNoise(n_bands=9, scale=False)
    controls = processor.get_controls(gains, raw["noise"])
    np.testing.assert_array_equal(to_numpy(controls["noise_magnitudes"]), gains)
    expected = references.filtered_frames(raw["noise"], gains, HOP)[:, 8:-8]
    np.testing.assert_allclose(to_numpy(processor(gains, raw["noise"])), expected, atol=2e-5)


def test_flat_gains_return_the_noise_itself(raw):
    flat = np.ones((3, 12, 9), np.float32)
    ours = to_numpy(FilteredNoise(n_bands=9, scale=False)(flat, noise=raw["noise"]))
    np.testing.assert_allclose(ours, raw["noise"], atol=1e-5)


def test_a_seed_makes_noise_repeatable_but_not_repeating(raw):
    def take(seed):
        processor = FilteredNoise(n_bands=9, seed=seed, scale=False)
        flat = np.ones((2, 100, 9), np.float32)
        return np.stack([to_numpy(processor(flat)) for _ in range(2)])

    first, again, other = take(3), take(3), take(4)
    np.testing.assert_array_equal(first, again)
    assert (
        np.abs(np.corrcoef([*first.reshape(4, -1), *other.reshape(4, -1)]) - np.eye(8)).max() < 0.1
    )
    assert np.abs(first).max() <= 1.0 + 1e-5 and first.std() == pytest.approx(3**-0.5, rel=0.02)


def test_noise_of_its_own_lets_gradients_through(raw):
    processor = FilteredNoise(n_bands=9, seed=1)
    (ours,) = gradient(lambda m: ops.sum(processor(m) ** 2), raw["noise_magnitudes"])
    assert np.all(np.isfinite(ours)) and np.all(np.any(ours != 0.0, axis=(1, 2)))


def test_a_wrong_number_of_bands(raw):
    processor = FilteredNoise(n_bands=65, name="breath")
    with pytest.raises(ValueError, match=r"breath: .* has 9 channels; expected n_bands=65"):
        processor(raw["noise_magnitudes"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"n_bands": 1}, "n_bands=1"), ({"sample_rate": 44100}, "does not divide sample_rate=44100")],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        FilteredNoise(**wrong)
