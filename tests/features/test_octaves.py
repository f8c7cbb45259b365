"""Octave errors are corrected, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_tf.features.octaves import correct_octaves
from ddsp_tf.features.swift_f0 import SwiftF0Tracker

SAXOPHONE = Path(__file__).parents[1] / "recordings" / "alto_saxophone_c_sharp_5.flac"
POSITIONS = np.arange(0, 16000, 256)


def tone(hz, amplitudes, sample_rate=16000):
    time = np.arange(sample_rate) / sample_rate
    parts = [a * np.sin(2 * np.pi * k * hz * time + k) for k, a in enumerate(amplitudes, start=1)]
    return np.sum(parts, axis=0).astype(np.float32)


def corrected(audio, claimed_hz, sample_rate=16000, fmin_hz=46.875, fmax_hz=2093.75):
    claims = np.full(POSITIONS.size, float(claimed_hz))
    positions = POSITIONS * (sample_rate // 16000)
    return correct_octaves(audio, sample_rate, positions, claims, fmin_hz, fmax_hz)


@pytest.mark.parametrize("sample_rate", [16000, 48000])
@pytest.mark.parametrize("hz", [101.3, 220.0, 411.7])
@pytest.mark.parametrize("octaves", [-1, 0, 1, 2])
def test_claims_that_are_octaves_off_are_moved(sample_rate, hz, octaves):
    # As a saxophone may sound: a weak fundamental among strong odd and quarter-odd harmonics.
    audio = tone(hz, [0.3, 0.1, 0.5, 0.05, 0.4, 0.1, 0.3], sample_rate)
    found = corrected(audio, hz * 2.0**octaves, sample_rate)
    np.testing.assert_allclose(found, hz, rtol=1e-12)


@pytest.mark.parametrize("hz", [60.0, 333.3, 1111.1, 1882.0])
@pytest.mark.parametrize(
    "amplitudes",
    [[1.0], [1, 0.5, 0.33, 0.25], [1, 0, 0.33, 0, 0.2], [0.2, 1, 0.5], [0.05, 0.5, 0.5]],
)
def test_true_claims_stay(hz, amplitudes):
    audible = [a if k * hz < 7500 else 0.0 for k, a in enumerate(amplitudes, start=1)]
    assert np.all(corrected(tone(hz, audible), hz) == hz)


def test_noise_silence_and_jumps_keep_their_claims(rng):
    assert np.all(corrected(rng.normal(size=16000), 440) == 440)
    assert np.all(corrected(np.zeros(16000), 440) == 440)
    assert np.all(corrected(np.zeros(100), 440) == 440)
    audio = np.r_[tone(330, [1, 0.5])[:8000], tone(392, [1, 0.5])[8000:]]
    early = corrected(audio, 330)
    assert np.all(early[POSITIONS < 8000 - 1024] == 330)


def test_no_pitch_is_moved_out_of_range_or_out_of_nothing():
    audio = tone(220.0, [0.3, 0.1, 0.5])
    assert np.all(corrected(audio, 440, fmin_hz=300) == 440)
    assert np.all(corrected(audio, 110, fmax_hz=200) == 110)
    assert np.all(corrected(audio, 0) == 0)


def test_whole_note_of_a_saxophone_that_the_network_hears_an_octave_high():
    audio, sample_rate = soundfile.read(SAXOPHONE, dtype="float32")
    share = {}
    for check in (False, True):
        tracker = SwiftF0Tracker(check_octaves=check, threads=1)
        f0_hz, _ = tracker.track(audio, sample_rate, 64)
        cents = 1200 * np.log2(f0_hz[25:-25] / 554.37)
        share[check] = np.mean(np.abs(cents) < 50)
    assert share[False] < 0.2
    assert share[True] > 0.99
