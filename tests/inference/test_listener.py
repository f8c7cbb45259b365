"""Listening from Python: blocks of any size."""

import numpy as np
import pytest
from pitch_signals import RICH, notes, tone

from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.inference.listener import Listener


@pytest.fixture(scope="module")
def listener():
    return Listener(FeatureExtractor(16000, 100))


@pytest.fixture
def sound():
    return tone(notes([220, 330, 0, 110], 0.15), amplitudes=RICH).with_noise(30.0).audio


def played(listener, sound, sizes):
    """Listens to blocks of some sizes, over and over; joins the curves."""
    listener.reset()
    found, start, number = [], 0, 0
    while start < sound.size:
        size = sizes[number % len(sizes)]
        found.append(listener.listen(sound[start : start + size]))
        start, number = start + size, number + 1
    return {name: np.concatenate([curves[name] for curves in found]) for name in found[0]}


def test_the_division_into_blocks_makes_no_difference(listener, sound):
    whole = played(listener, sound, [sound.size])
    assert len(whole["f0_hz"]) == sound.size // 160
    for sizes in ([160], [1, 7, 480, 129], [128], [0, 5000]):
        parts = played(listener, sound, sizes)
        for name, curve in whole.items():
            assert curve.dtype == np.float32
            np.testing.assert_array_equal(parts[name], curve)


def test_a_note_is_heard_after_the_stated_latency(listener, sound):
    f0_hz = played(listener, sound, [300])["f0_hz"]
    frame = round((0.08 * 16000 + listener.latency) / listener.hop)
    assert f0_hz[frame] == pytest.approx(220.0, rel=1e-3)
    assert listener.lookahead[0] == (160.0, 20.0)


def test_the_windows_of_the_training_data_are_used():
    sound = np.sin(2 * np.pi * 1000 / 16000 * np.arange(8000)).astype(np.float32)
    extractor = FeatureExtractor(16000, 50, loudness_fft_size=1024, power_frame_size=2048)
    curves, expected = Listener(extractor).listen(sound), extractor.extract(sound)
    for name in ("loudness_db", "power_db"):
        assert curves[name][-5] == pytest.approx(expected[name][-5], abs=0.01)


def test_samples_that_are_not_finite_are_silence(listener, sound):
    spoilt = sound.copy()
    spoilt[5000:5010] = np.nan
    spoilt[6000] = np.inf
    zeros = np.where(np.isfinite(spoilt), spoilt, 0.0)
    for name, curve in played(listener, spoilt, [500]).items():
        assert np.isfinite(curve).all()
        np.testing.assert_array_equal(curve, played(listener, zeros, [500])[name])


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.zeros(160, np.int16), "holds int16; expected floating-point"),
        (np.zeros((160, 2)), r"shape \[160, 2\]; expected mono"),
        (["a"], "expected real numbers"),
        (np.zeros(4, complex), "expected real numbers"),
    ],
)
def test_bad_blocks_are_named(listener, block, message):
    with pytest.raises(UserError, match=message):
        listener.listen(block)


def test_a_sample_rate_without_pitch_is_refused():
    with pytest.raises(UserError, match="sample rate of 2000 Hz"):
        Listener(FeatureExtractor(2000, 50))
