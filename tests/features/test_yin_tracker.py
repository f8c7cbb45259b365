"""YIN as a tracker of recordings of any length."""

import numpy as np
import pytest
from pitch_signals import RICH, cents_between, notes, steady, tone, vibrato

from ddsp_tf.errors import UserError
from ddsp_tf.features import yin_tracker
from ddsp_tf.features.yin_tracker import YinTracker


def test_chunks_join_without_a_seam(monkeypatch, rng):
    audio = tone(vibrato(90.0, seconds=3.0), amplitudes=RICH).with_noise(10.0).audio
    whole = YinTracker().track(audio, 16000, 100)
    monkeypatch.setattr(yin_tracker, "_CHUNK_SECONDS", 0.5)
    parts = YinTracker().track(audio, 16000, 100)
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-4)
    np.testing.assert_allclose(parts[1], whole[1], atol=1e-4)


@pytest.mark.parametrize("samples", [1, 99, 100, 12345])
def test_any_length_gives_samples_over_hop_frames(samples):
    f0_hz, confidence = YinTracker().track(np.full(samples, 0.1), 16000, 100)
    assert f0_hz.shape == confidence.shape == (samples // 100,)
    assert f0_hz.dtype == confidence.dtype == np.float32


def test_pauses_hold_the_neighbouring_pitch_at_low_confidence():
    signal = tone(notes([200.0, 0.0, 300.0]), amplitudes=RICH)
    f0_hz, confidence = YinTracker().track(signal.audio, 16000, 160)
    assert np.max(cents_between(f0_hz[3:70], 200.0)) < 5
    assert np.max(cents_between(f0_hz[80:147], 300.0)) < 5
    assert np.max(confidence[55:95]) < 0.05


@pytest.mark.parametrize("hz", [30.0, 41.2, 58.3, 1975.0])
def test_lowest_and_highest_instruments_are_in_range(hz):
    signal = tone(steady(hz), 48000 if hz > 1000 else 16000, RICH)
    f0_hz, confidence = YinTracker().track(signal.audio, signal.sample_rate, 160)
    inside = slice(f0_hz.size // 10, -f0_hz.size // 10)
    assert np.max(cents_between(f0_hz, hz)[inside]) < 10
    assert np.min(confidence[inside]) > 0.9


@pytest.mark.parametrize("settings", [(5.0, 2000.0), (500.0, 510.0), (30.0, np.inf)])
def test_bad_ranges_are_named(settings):
    with pytest.raises(UserError, match=f"{settings[0]} to {settings[1]}"):
        YinTracker(*settings)


def test_range_above_the_sample_rate_is_refused():
    with pytest.raises(UserError, match=r"lowest_hz 900.*2000"):
        YinTracker(900.0, 1800.0).track(np.zeros(1000), 2000, 20)
