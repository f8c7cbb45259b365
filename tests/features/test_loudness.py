"""Levels against recorded values of the original, closed forms and the standard's table."""

import numpy as np
import pytest
from backends import to_numpy
from keras import ops
from tolerance import assert_close

from ddsp_tf.features.loudness import (
    a_weighting,
    frame_loudness_db,
    loudness_db,
    power_db,
)


def sine(amplitude, hz, seconds=1.0, sample_rate=16000):
    return amplitude * np.sin(2 * np.pi * hz / sample_rate * np.arange(int(seconds * sample_rate)))


def golden_cases(cases, call):
    """Cases whose frames are centred as ours are, without the other paddings and functions."""
    for case in cases.values():
        if case["call"].endswith(call) and case["kwargs"].get("padding", "center") == "center":
            yield case["inputs"]["audio"], case["outputs"]["out"], case["kwargs"]


def test_loudness_equals_the_original(golden):
    arrays, cases = golden("spectral_ops_loudness")
    checked = 0
    for audio, out, kwargs in golden_cases(cases, "compute_loudness"):
        reference = kwargs.get("ref_db", 0.0)
        ours = loudness_db(
            arrays[audio],
            16000,
            16000 // kwargs.get("frame_rate", 250),
            kwargs.get("n_fft", 512),
            floor_db=reference - kwargs.get("range_db", 80.0),
        )
        np.testing.assert_allclose(ours - reference, arrays[out][..., :-1], rtol=0, atol=2e-5)
        checked += 1
    assert checked == 6


def test_power_equals_the_original(golden):
    arrays, cases = golden("spectral_ops_power")
    checked = 0
    for audio, out, kwargs in golden_cases(cases, "compute_power"):
        hop = 16000 // kwargs.get("frame_rate", 250)
        ours = power_db(arrays[audio], hop, kwargs.get("frame_size", 512))
        np.testing.assert_allclose(ours, arrays[out][..., :-1], rtol=0, atol=2e-5)
        checked += 1
    assert checked == 3


@pytest.mark.parametrize(
    ("hz", "db"),
    [(31.62, -39.4), (100.0, -19.1), (251.19, -8.6), (1000.0, 0.0), (2511.9, 1.3), (10000, -2.5)],
)
def test_a_weighting_is_the_table_of_iec_61672(hz, db):
    assert 10.0 * np.log10(a_weighting(hz)) == pytest.approx(db, abs=0.06)


def test_a_weighting_of_zero_hz_is_nothing():
    assert a_weighting(0.0) == 0.0


def test_a_weighting_of_tensors_is_the_same():
    hz = np.geomspace(10.0, 24000.0, 50)
    ours = to_numpy(a_weighting(ops.convert_to_tensor(hz, "float32")))
    assert_close(ours, a_weighting(hz), relative=True)


@pytest.mark.parametrize("fft_size", [512, 2048])
@pytest.mark.parametrize("sample_rate", [16000, 48000])
@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.001])
def test_sine_at_one_kilohertz_has_the_documented_level(fft_size, sample_rate, amplitude):
    audio = sine(amplitude, 1000.0, sample_rate=sample_rate)
    measured = loudness_db(audio, sample_rate, 64, fft_size)
    expected = 20 * np.log10(amplitude) + 10 * np.log10(3 * fft_size**2 / (16 * fft_size + 32))
    inside = slice(fft_size // 64, -fft_size // 64)
    # The window's skirts see neighbouring bins with slightly different weights.
    np.testing.assert_allclose(measured[inside], expected, atol=0.12)


def test_loudness_differs_between_pitches_by_the_weighting():
    low, high = (loudness_db(sine(0.5, hz), 16000, 64, 2048)[100] for hz in (250.0, 1000.0))
    expected = 10.0 * np.log10(a_weighting(250.0) / a_weighting(1000.0))
    assert low - high == pytest.approx(expected, abs=0.1)


def test_power_of_a_sine_is_half_its_squared_amplitude():
    measured = power_db(sine(0.5, 1000.0), 64)
    np.testing.assert_allclose(measured[8:-8], 10 * np.log10(0.125), atol=1e-5)


@pytest.mark.parametrize("samples", [63, 64, 127, 6400, 6401, 6463])
def test_frames_are_samples_over_hop(samples):
    audio = np.zeros([2, 3, samples], np.float32)
    for measured in (loudness_db(audio, 16000, 64), power_db(audio, 64)):
        assert measured.shape == (2, 3, samples // 64)
        assert measured.dtype == np.float32
        assert np.all(measured == -80.0)


def test_frame_k_is_centred_on_sample_k_hop():
    audio = np.zeros(6400)
    audio[50 * 64] = 1.0
    measured = loudness_db(audio, 16000, 64)
    assert np.argmax(measured) == 50
    np.testing.assert_allclose(measured[1:50][::-1], measured[51:])


def test_blocks_join_without_a_seam(rng):
    audio = rng.normal(size=64 * 2500)
    whole = loudness_db(audio, 16000, 64)
    for k in (0, 1, 1023, 1024, 1025, 2048, 2499):
        padded = np.pad(audio, 256)[k * 64 : k * 64 + 512]
        np.testing.assert_allclose(whole[k], frame_loudness_db(padded, 16000), atol=1e-5)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="hop 0"):
        power_db(np.zeros(100), 0)
    with pytest.raises(ValueError, match=r"shape \(\)"):
        loudness_db(np.array(1.0), 16000, 64)
