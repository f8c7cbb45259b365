import numpy as np
import pytest
import references
from backends import compiled, gradient, to_numpy
from keras import ops
from tolerance import SUMS, assert_close

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
    assert_close(to_numpy(ours["noise_magnitudes"]), expected, SUMS, relative=True)


def test_signal_is_filtered_noise_without_delay(raw):
    gains = np.exp(raw["noise_magnitudes"])
    processor = FilteredNoise(n_bands=9, scale=False)
    controls = processor.get_controls(gains, raw["noise"])
    np.testing.assert_array_equal(to_numpy(controls["noise_magnitudes"]), gains)
    expected = references.filtered_frames(raw["noise"], gains, HOP)[:, 8:-8]
    assert_close(to_numpy(processor(gains, raw["noise"])), expected, SUMS)


def test_flat_gains_return_the_noise_itself(raw):
    flat = np.ones((3, 12, 9), np.float32)
    ours = to_numpy(FilteredNoise(n_bands=9, scale=False)(flat, noise=raw["noise"]))
    assert_close(ours, raw["noise"])


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


def cross_spectrum(first, second, size=256):
    """Mean of the product of windowed spectra, [size / 2 + 1]."""
    spectra = [
        np.fft.rfft(
            np.lib.stride_tricks.sliding_window_view(x, size)[:: size // 2] * np.hanning(size)
        )
        for x in (first, second)
    ]
    return np.mean(np.conj(spectra[0]) * spectra[1], axis=0)


@pytest.mark.parametrize("n_bands", [33, 65])
@pytest.mark.parametrize("frame_rate", [250, 50])
def test_a_band_of_magnitudes_is_that_band_of_noise(rng, n_bands, frame_rate):
    """2 to 4 kHz through, the rest not: level and delay, over a minute of noise."""
    hz = np.linspace(0.0, 8000.0, n_bands)
    gains = np.where((hz >= 2000.0) & (hz <= 4000.0), 1.0, 0.0)
    gains = np.tile(np.float32(gains), (1, 60 * frame_rate, 1))
    noise = rng.uniform(-1.0, 1.0, (1, 60 * 16000)).astype(np.float32)
    processor = FilteredNoise(n_bands=n_bands, frame_rate=frame_rate, scale=False)
    signal = to_numpy(compiled(processor)(gains, noise))[0].astype(np.float64)
    into, out = noise[0].astype(np.float64), signal
    response = cross_spectrum(into, out) / cross_spectrum(into, into)
    level_db = 10.0 * np.log10(np.abs(cross_spectrum(out, out) / cross_spectrum(into, into)))
    at = np.linspace(0.0, 8000.0, response.size)
    # At the edges the window blurs by the width of a band.
    blur = 2.0 * 8000.0 / (n_bands - 1)
    inside = (at >= 2000.0 + blur) & (at <= 4000.0 - blur)
    outside = (at <= 2000.0 - 2.0 * blur) | (at >= 4000.0 + 2.0 * blur)
    assert inside.sum() >= 3
    assert np.abs(level_db[inside]).max() < 0.1
    assert level_db[outside].max() < -50.0
    # No delay: a single sample would turn the phase by 0.8 radians at 2 kHz.
    assert np.abs(np.angle(response[inside])).max() < 1e-3


def test_a_wrong_number_of_bands(raw):
    processor = FilteredNoise(n_bands=65, name="breath")
    with pytest.raises(ValueError, match=r"breath: .* has shape .*, 9\); .* frames, 65\]"):
        processor(raw["noise_magnitudes"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"n_bands": 1}, "n_bands=1"), ({"sample_rate": 44100}, "does not divide sample_rate=44100")],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        FilteredNoise(**wrong)
