"""SwiftF0 on signals whose pitch is known."""

import importlib.metadata

import numpy as np
import pytest
from pitch_signals import sine_sweep

from ddsp_tf.errors import UserError
from ddsp_tf.features.swift_f0 import SwiftF0Tracker


@pytest.fixture(scope="module")
def tracker():
    return SwiftF0Tracker(threads=1)


def tone(f0_hz, sample_rate, harmonics=8):
    """A harmonic tone that follows a pitch curve given per sample."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / sample_rate
    audio = np.zeros_like(phase)
    for number in range(1, harmonics + 1):
        audio += np.where(number * f0_hz < 0.45 * sample_rate, np.sin(number * phase) / number, 0)
    return (0.2 * audio).astype(np.float32)


def cents(f0_hz, expected_hz):
    return 1200 * np.log2(f0_hz / expected_hz)


@pytest.mark.parametrize(("sample_rate", "hop"), [(16000, 64), (44100, 147), (48000, 192)])
@pytest.mark.parametrize(("start_hz", "stop_hz"), [(200.0, 800.0), (800.0, 200.0)])
def test_glide_has_no_lag_in_either_direction(tracker, sample_rate, hop, start_hz, stop_hz):
    seconds = 2.0
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    curve = start_hz * (stop_hz / start_hz) ** (time / seconds)
    f0_hz, f0_confidence = tracker.track(tone(curve, sample_rate), sample_rate, hop)
    frames = time.size // hop
    assert f0_hz.shape == f0_confidence.shape == (frames,)
    assert f0_hz.dtype == f0_confidence.dtype == np.float32
    inside = slice(frames // 10, -frames // 10)
    error = cents(f0_hz, curve[: frames * hop : hop])[inside]
    # The glide moves 1.2 cents a millisecond: a lag of one answer (16 ms) would be 19 cents.
    assert abs(np.median(error)) < 5
    assert np.percentile(np.abs(error), 95) < 15
    assert f0_confidence[inside].min() > 0.8


def test_vibrato_has_neither_lag_nor_much_damping(tracker):
    time = np.arange(4 * 16000) / 16000
    curve = 440 * 2 ** (50 / 1200 * np.sin(2 * np.pi * 5 * time))
    f0_hz, _ = tracker.track(tone(curve, 16000), 16000, 64)
    swing = cents(f0_hz, 440.0)[100:900] * np.exp(-2j * np.pi * 5 * time[::64][100:900])
    swing = 2 * np.mean(swing) * 1j
    assert abs(swing) == pytest.approx(50, abs=10)
    assert abs(np.angle(swing)) / (2 * np.pi * 5) < 0.002


@pytest.mark.parametrize("ratio", [2 ** (3 / 12), 2.0, 1 / 3])
def test_step_stays_a_step(tracker, ratio):
    curve = np.where(np.arange(2 * 16000) < 16000, 330.0, 330.0 * ratio)
    f0_hz, _ = tracker.track(tone(curve, 16000), 16000, 64)
    expected = curve[::64]
    edge = np.abs(np.arange(500) - 250) < 6
    error = np.abs(cents(f0_hz, expected))
    assert error[~edge].max() < 30
    between = np.minimum(np.abs(cents(f0_hz, 330.0)), np.abs(cents(f0_hz, 330.0 * ratio)))
    assert between.max() < 60, "a pitch that neither note has"


def test_silence_has_a_pitch_but_no_confidence(tracker):
    gate = np.repeat([0, 1, 0, 1, 0], 16000 // 2)
    curve = np.where(np.arange(gate.size) < gate.size // 2, 300.0, 500.0)
    f0_hz, f0_confidence = tracker.track(tone(curve, 16000) * gate, 16000, 64)
    silent = np.repeat([True, False, True, False, True], 125)
    guard = np.convolve(np.diff(silent.astype(int), prepend=1) != 0, np.ones(13), "same") > 0
    assert f0_confidence[silent & ~guard].max() < 0.05
    assert f0_confidence[~silent & ~guard].min() > 0.5
    expected = np.where(np.arange(625) < 312.5, 300.0, 500.0)
    error = np.abs(cents(f0_hz, expected))
    assert error[np.abs(np.arange(625) - 312) > 12].max() < 60


def test_files_without_pitch_give_zeros(tracker):
    for audio in (np.zeros(16000, np.float32), np.full(40, 0.1, np.float32)):
        f0_hz, f0_confidence = tracker.track(audio, 16000, 16)
        assert f0_hz.shape == (audio.size // 16,)
        assert not f0_hz.any()
        assert not f0_confidence.any()


def test_long_audio_in_chunks_equals_audio_at_once(tracker):
    from swift_f0 import SwiftF0

    time = np.arange(35 * 16000) / 16000
    audio = tone(440 * 2 ** (np.sin(2 * np.pi * 0.3 * time)), 16000, 3)
    pitch_hz, confidence = tracker._detect(audio, 16000)
    once = SwiftF0(threads=1).detect(audio, 16000)
    np.testing.assert_allclose(pitch_hz, once.pitch_hz, rtol=1e-3)
    np.testing.assert_allclose(confidence, once.confidence, atol=1e-3)


def test_sweep_of_a_bare_sine(tracker):
    audio, hz = sine_sweep()
    f0_hz, f0_confidence = tracker.track(audio, 16000, 64)
    voiced = f0_confidence >= 0.5
    error = np.abs(cents(f0_hz, hz(np.arange(f0_hz.size) * 64 / 16000)))[voiced]
    # SwiftF0 was not made for bare sines: its confidence is low in the upper part.
    assert voiced.mean() > 0.5
    assert np.median(error) < 15
    assert np.percentile(error, 95) < 50


def test_range_is_obeyed_and_checked():
    low = tone(np.full(16000, 200.0), 16000)
    f0_hz, _ = SwiftF0Tracker(fmin_hz=300.0, fmax_hz=900.0, threads=1).track(low, 16000, 64)
    assert np.all((f0_hz == 0) | (f0_hz > 290))
    with pytest.raises(UserError, match=r"900.* to 300"):
        SwiftF0Tracker(fmin_hz=900.0, fmax_hz=300.0)


def test_a_missing_package_is_named(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(UserError, match=r"needs SwiftF0.*pip install ddsp-tf\[swift\]"):
        SwiftF0Tracker().track(np.zeros(1600, np.float32), 16000, 160)
