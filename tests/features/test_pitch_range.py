"""Recordings outside their tracker's range are told, others are not."""

import numpy as np
import pytest
from pitch_signals import MISSING_FUNDAMENTAL, RICH, glide, notes, steady, tone, vibrato

from ddsp_tf.features.pitch_range import range_advice
from ddsp_tf.features.swift_f0 import SwiftF0Tracker
from ddsp_tf.features.yin_tracker import YinTracker


@pytest.mark.parametrize(
    ("hz", "sample_rate", "words"),
    [
        (35.0, 16000, ("100 % of", "below 46.9 Hz (at 35 Hz)", "swift_f0", "pitch_tracker='auto'")),
        (31.0, 48000, ("below 46.9 Hz (at 31 Hz)",)),
        (3000.0, 48000, ("above 2093.8 Hz (at 3000 Hz)", "pitch_tracker='auto'")),
    ],
)
def test_notes_out_of_range_are_told(hz, sample_rate, words):
    signal = tone(vibrato(hz, 30.0, sample_rate=sample_rate), sample_rate, RICH)
    advice = range_advice(signal.with_noise(30.0).audio, sample_rate, SwiftF0Tracker())
    for word in words:
        assert word in advice
    assert "\n" not in advice


def test_a_tenth_of_low_notes_is_enough():
    signal = tone(notes([110.0] * 6 + [36.0]), amplitudes=RICH)
    advice = range_advice(signal.audio, 16000, SwiftF0Tracker())
    assert "below" in advice and not advice.startswith("100")
    assert range_advice(signal.audio, 16000, YinTracker()) is None
    assert "yin" in range_advice(signal.audio, 16000, YinTracker(lowest_hz=60.0))


@pytest.mark.parametrize("amplitudes", [(1.0,), RICH, MISSING_FUNDAMENTAL])
def test_recordings_in_range_need_no_advice(amplitudes):
    for curve in (steady(55.0), glide(80, 900), vibrato(1100.0)):
        audio = tone(curve, amplitudes=amplitudes, phase_seed=1).with_noise(20.0).audio
        assert range_advice(audio, 16000, SwiftF0Tracker()) is None


def test_nothing_is_said_about_what_has_no_pitch(rng):
    tracker = SwiftF0Tracker()
    for audio in (np.zeros(0), np.zeros(50), np.zeros(32000), 0.1 * rng.normal(size=32000)):
        assert range_advice(audio, 16000, tracker) is None
    assert range_advice(np.zeros(1000), 200, tracker) is None
