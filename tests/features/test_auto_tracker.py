"""The tracker for every instrument, on signals whose pitch is known exactly."""

from dataclasses import replace

import numpy as np
import pytest
from pitch_signals import (
    LOUD_SECOND,
    MISSING_FUNDAMENTAL,
    ODD,
    RICH,
    STRONG_SECOND,
    cents_between,
    glide,
    notes,
    steady,
    tone,
    vibrato,
)

from ddsp_tf.errors import UserError
from ddsp_tf.features import auto_tracker
from ddsp_tf.features.auto_tracker import AutoTracker
from ddsp_tf.features.pitch import pitch_tracker

HOP = 160
STRONG_THIRD = (0.1, 0.1, 1.0, 0.1, 0.05, 0.1)


@pytest.fixture(scope="module")
def tracker():
    return AutoTracker()


def with_rests(curve, seconds=0.2):
    rest = np.zeros(round(seconds * 16000))
    return np.concatenate([rest, curve, rest])


def judge(tracker, signal, guard=4):
    """Cents off, and voiced, where pitch has been on; and voiced where it has been off."""
    f0_hz, confidence = tracker.track(signal.audio, signal.sample_rate, HOP)
    truth = signal.frames(HOP)
    on = np.convolve(truth > 0, np.ones(2 * guard + 1), "same") > 2 * guard + 0.5
    off = np.convolve(truth > 0, np.ones(2 * guard + 1), "same") < 0.5
    sure = confidence >= 0.5
    return cents_between(f0_hz[on], truth[on]), sure[on], sure[off]


@pytest.mark.parametrize("hz", [27.5, 41.2, 110.0, 622.0, 2093.0, 4186.0])
def test_every_octave_is_heard(tracker, hz):
    cents, voiced, alarm = judge(tracker, tone(with_rests(steady(hz)), amplitudes=RICH))
    assert cents.max() < 10
    assert voiced.all()
    assert not alarm.any()


@pytest.mark.parametrize("hz", [55.0, 156.0, 523.0])
@pytest.mark.parametrize(
    "amplitudes",
    [(1.0,), ODD, MISSING_FUNDAMENTAL, STRONG_SECOND, STRONG_THIRD],
    ids=["sine", "odd", "missing fundamental", "strong second", "strong third"],
)
@pytest.mark.parametrize("snr_db", [np.inf, 10.0])
def test_the_octave_is_right(tracker, hz, amplitudes, snr_db):
    signal = tone(with_rests(steady(hz)), amplitudes=amplitudes, phase_seed=1)
    cents, voiced, _ = judge(tracker, signal.with_noise(snr_db))
    assert np.mean(cents < 50) > 0.98
    assert np.mean(voiced) > 0.98


def test_a_resonating_string_does_not_lower_the_pitch(tracker):
    signal = tone(with_rests(steady(156.0)), amplitudes=RICH)
    string = tone(with_rests(steady(2.5 * 156.0)), level=0.1)
    signal = type(signal)(signal.audio + string.audio, signal.f0_hz, 16000)
    assert judge(tracker, signal)[0].max() < 20


@pytest.mark.parametrize("hz", [117.0, 233.0])
def test_one_loud_harmonic_does_not_raise_the_pitch(tracker, hz):
    signal = tone(with_rests(steady(hz)), amplitudes=LOUD_SECOND, phase_seed=1).with_noise(40.0)
    assert judge(tracker, signal)[0].max() < 20


@pytest.mark.parametrize("tail_hz", [247.0, 311.1, 415.3])
def test_a_note_that_rings_on_does_not_lower_the_pitch(tracker, tail_hz):
    signal = tone(with_rests(steady(440.0)), amplitudes=RICH)
    tail = tone(with_rests(steady(tail_hz)), amplitudes=RICH, level=0.06)
    signal = type(signal)(signal.audio + tail.audio, signal.f0_hz, 16000)
    assert judge(tracker, signal)[0].max() < 50


def test_a_string_that_outlasts_the_note_does_not_lower_its_end(tracker):
    time = np.arange(7200) / 16000
    note = tone(steady(330.0, 0.45), amplitudes=RICH).audio * 10 ** (-60 / 20 * time / 0.8)
    string = 0.008 * np.sin(2 * np.pi * 165.0 * time)
    f0_hz, _ = tracker.track((note + string).astype(np.float32), 16000, HOP)
    assert cents_between(f0_hz[3:42], 330.0).max() < 50


@pytest.mark.parametrize(("seconds", "octave"), [(0.06, 1.0), (0.2, 0.5)])
def test_a_note_does_not_begin_an_octave_low(tracker, seconds, octave):
    """Alternate periods differ while a wind instrument's note begins."""
    above, below = (tone(steady(hz, 0.6), amplitudes=RICH).audio for hz in (440.0, 220.0))
    progress = np.arange(above.size) / (16000 * seconds)
    gain = np.clip(0.1 + 0.9 * progress, 0.0, 1.0)
    audio = with_rests(gain * np.where(progress < 1.0, 0.5 * (above + below), above))
    f0_hz, confidence = tracker.track(audio, 16000, HOP)
    beginning = slice(21, 20 + round(100 * seconds) - 2)
    assert (confidence[beginning] >= 0.5).all()
    expected = np.full(f0_hz[beginning].size, 440.0 * octave)
    assert cents_between(f0_hz[beginning], expected).max() < 50


@pytest.mark.parametrize(
    "curve", [vibrato(440.0, cents=80.0), glide(110.0, 440.0), notes([220, 440, 330, 110, 165])]
)
def test_moving_pitch_is_followed(tracker, curve):
    signal = tone(with_rests(curve), amplitudes=RICH)
    f0_hz, _ = tracker.track(signal.audio, 16000, HOP)
    truth = signal.frames(HOP)
    changes = np.abs(np.diff(np.log2(np.maximum(truth, 1.0)), append=0.0)) > 0.2
    calm = (truth > 0) & ~(np.convolve(changes, np.ones(9), "same") > 0)
    assert cents_between(f0_hz[calm], truth[calm]).max() < 20


def test_level_makes_no_difference(tracker):
    signal = tone(with_rests(notes([220, 330, 0, 110])), amplitudes=RICH).with_noise(30.0)
    loud = tracker.track(signal.audio, 16000, HOP)
    quiet = tracker.track(signal.audio * np.float32(10 ** (-50 / 20)), 16000, HOP)
    for one, other in zip(loud, quiet, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_an_offset_makes_no_difference(tracker):
    signal = tone(with_rests(notes([220, 330, 0, 110])), amplitudes=RICH)
    centred = tracker.track(signal.audio, 16000, HOP)
    offset = tracker.track(signal.audio + np.float32(0.3), 16000, HOP)
    for one, other in zip(centred, offset, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("turn", [1, -1], ids=["crescendo", "diminuendo"])
def test_a_swell_of_55_db_is_voiced_throughout(tracker, turn):
    signal = tone(with_rests(steady(330.0, 2.0)), amplitudes=RICH)
    rise = 10 ** (np.interp(np.arange(signal.audio.size), [3200, 35200], [-55, 0]) / 20)
    signal = type(signal)(signal.audio * rise[::turn].astype(np.float32), signal.f0_hz, 16000)
    _, voiced, alarm = judge(tracker, signal)
    assert voiced.all()
    assert not alarm.any()


@pytest.mark.parametrize("hz", [82.0, 440.0, 1760.0])
@pytest.mark.parametrize("floor", [0.0, 2e-4])
def test_voicing_ends_with_the_note(tracker, hz, floor):
    signal = tone(with_rests(notes([hz, 0, 1.5 * hz, 0, hz], 0.15)), amplitudes=RICH)
    noise = floor * np.random.default_rng(0).normal(size=signal.audio.size)
    signal = type(signal)((signal.audio + noise).astype(np.float32), signal.f0_hz, 16000)
    cents, voiced, alarm = judge(tracker, signal, guard=3)
    assert voiced.all()
    assert np.mean(alarm) < (0.03 if floor else 1e-9)
    assert cents.max() < 50


def test_a_decayed_note_is_over(tracker):
    signal = tone(steady(220.0, 2.0), amplitudes=RICH)
    decay = 10 ** (-60 / 20 * np.arange(signal.audio.size) / 16000 / 0.6)
    _, confidence = tracker.track((signal.audio * decay).astype(np.float32), 16000, HOP)
    assert (confidence[5:45] >= 0.5).all()
    assert (confidence[70:] < 0.5).all()


def test_noise_and_silence_have_no_pitch(tracker):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=32000).astype(np.float32)
    assert np.mean(tracker.track(0.1 * noise, 16000, HOP)[1] >= 0.5) < 0.02
    assert np.mean(tracker.track(np.cumsum(noise) / 1000, 16000, HOP)[1] >= 0.5) < 0.02
    for values in tracker.track(np.zeros(32000, np.float32), 16000, HOP):
        assert values.shape == (200,)
        assert not values.any()


@pytest.mark.parametrize(("pitch", "is_pitched"), [(45.0, False), (60.0, False), (400.0, True)])
def test_two_or_three_periods_are_no_note(tracker, pitch, is_pitched):
    burst = np.zeros(32000, np.float32)
    time = np.arange(800) / 16000
    burst[16000:16800] = np.sin(2 * np.pi * pitch * time[:, None] * np.arange(1, 6)).sum(axis=1)
    noise = np.random.default_rng(3).normal(size=32000)
    confidence = tracker.track(burst + 0.001 * noise.astype(np.float32), 16000, HOP)[1]
    assert (confidence >= 0.5).any() == is_pitched


@pytest.mark.parametrize(("sample_rate", "hop"), [(44100, 441), (48000, 192), (22050, 100)])
def test_sample_rates(tracker, sample_rate, hop):
    signal = tone(vibrato(300.0, sample_rate=sample_rate), sample_rate, RICH)
    f0_hz, confidence = tracker.track(signal.audio, sample_rate, hop)
    truth = signal.frames(hop)
    assert f0_hz.shape == confidence.shape == truth.shape
    inside = slice(len(truth) // 20, -len(truth) // 20)
    assert cents_between(f0_hz[inside], truth[inside]).max() < 10
    assert confidence[inside].min() > 0.9


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 400])
def test_short_recordings(tracker, samples):
    audio = np.sin(0.1 * np.arange(samples)).astype(np.float32)
    f0_hz, confidence = tracker.track(audio, 16000, HOP)
    assert f0_hz.shape == confidence.shape == (samples // HOP,)


def test_chunks_join_without_a_seam(tracker, monkeypatch):
    signal = tone(with_rests(vibrato(300.0, seconds=5.0)), amplitudes=RICH).with_noise(20.0)
    whole = tracker.track(signal.audio, 16000, HOP)
    monkeypatch.setattr(auto_tracker, "_CHUNK_SECONDS", 1.7)
    monkeypatch.setattr(auto_tracker, "_CONTEXT_SECONDS", 0.5)
    parts = tracker.track(signal.audio, 16000, HOP)
    inside = slice(25, -25)
    assert cents_between(parts[0][inside], whole[0][inside]).max() < 1
    np.testing.assert_allclose(parts[1][inside], whole[1][inside], atol=0.02)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_hum_between_notes_is_no_pitch(tracker, mains_hz):
    signal = tone(with_rests(notes([220, 0, 330, 0, 110], 0.3)), amplitudes=RICH)
    hum = tone(steady(mains_hz, signal.audio.size / 16000), amplitudes=RICH, level=1e-3)
    signal = replace(signal, audio=signal.audio + hum.audio)
    cents, voiced, alarm = judge(tracker, signal)
    assert cents.max() < 10
    assert voiced.all()
    assert not alarm.any()


@pytest.mark.parametrize("ends_db", [(0.0, 0.0), (-40.0, -40.0), (-30.0, -45.0)])
def test_a_note_with_the_pitch_of_mains_hum_is_heard(tracker, ends_db):
    """Whether it is loud, soft, or dies away."""
    curve = with_rests(np.concatenate([steady(150.0, 0.6), np.zeros(4800), steady(50.0, 0.6)]))
    signal = tone(curve, amplitudes=RICH)
    level_db = np.interp(np.arange(curve.size), [17600, 27200], ends_db)
    gain = np.where(np.arange(curve.size) < 16000, 1.0, 10 ** (level_db / 20))
    signal = replace(signal, audio=(gain * signal.audio).astype(np.float32))
    _, voiced, alarm = judge(tracker, signal)
    assert voiced.all()
    assert not alarm.any()


def test_confidence_is_lower_in_noise(tracker):
    clean = tone(with_rests(steady(220.0)), amplitudes=RICH)
    means = [
        tracker.track(clean.with_noise(snr_db).audio, 16000, HOP)[1][30:90].mean()
        for snr_db in (np.inf, 0.0, -10.0, -25.0)
    ]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.95
    assert means[-1] < 0.4


def test_confidence_is_the_share_of_frames_that_are_right(tracker):
    confidences, right = [], []
    for hz in (70.0, 150.0, 400.0, 900.0):
        clean = tone(with_rests(steady(hz)), amplitudes=RICH)
        for snr_db in (0.0, -5.0, -10.0, -15.0):
            signal = clean.with_noise(snr_db, seed=round(hz - snr_db))
            f0_hz, confidence = tracker.track(signal.audio, 16000, HOP)
            confidences.append(confidence)
            right.append(cents_between(f0_hz, signal.frames(HOP)) < 50)
    confidence, right = np.concatenate(confidences), np.concatenate(right)
    for low, high, tolerance in ((0.7, 0.9, 0.15), (0.9, 1.01, 0.05)):
        inside = (confidence >= low) & (confidence < high)
        assert inside.sum() > 50
        assert abs(right[inside].mean() - confidence[inside].mean()) < tolerance


@pytest.mark.parametrize("limits", [(10.0, 4200.0), (440.0, 441.0), (27.0, 9000.0), (500.0, 100.0)])
def test_a_range_without_pitch_is_refused(limits):
    with pytest.raises(UserError, match="found the range"):
        AutoTracker(*limits)


def test_it_is_made_by_name_and_describes_itself():
    tracker = pitch_tracker("auto", lowest_hz=40.0)
    assert tracker.range_hz == (40.0, 4200.0)
    assert tracker.describe() == {
        "name": "auto",
        "version": "2",
        "settings": {"lowest_hz": 40.0, "highest_hz": 4200.0},
    }
