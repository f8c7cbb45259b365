"""Refined pitch is exact where there is a tone, and untouched where there is none."""

import numpy as np
import pytest
import soundfile
from pitch_signals import RICH, cents_between, glide, steady, tone, vibrato
from tolerance import assert_close

from ddsp_tf.app.recordings import resolve
from ddsp_tf.features import refinement
from ddsp_tf.features.pitch import pitch_tracker
from ddsp_tf.features.refinement import refine_f0

RATE, HOP = 16000, 64
FRAMES = 500
MIDDLE = slice(25, -25)
MOVING = {"vibrato": vibrato(440.0), "glide": glide(200.0, 400.0)}


def sound(curve, sample_rate=RATE, hop=HOP):
    """A rich tone and its pitch at every frame."""
    signal = tone(curve, sample_rate, RICH, phase_seed=0)
    return signal.audio, signal.frames(hop)


def semitones(found, truth):
    return cents_between(found, truth) / 100.0


def refined(audio, given, confidence=1.0, sample_rate=RATE, hop=HOP):
    confidence = np.broadcast_to(confidence, np.shape(given))
    return refine_f0(audio, np.asarray(given), confidence, sample_rate, hop)


@pytest.mark.parametrize(("sample_rate", "hop"), [(16000, 64), (16000, 320), (48000, 192)])
@pytest.mark.parametrize("hz", [62.0, 221.7, 655.1, 1511.0])
@pytest.mark.parametrize("factor", [0.993, 1.0, 1.006])
def test_steady_tones_are_found_exactly(sample_rate, hop, hz, factor):
    audio, truth = sound(steady(hz, 2.0, sample_rate), sample_rate, hop)
    found = refined(audio, factor * truth, 1.0, sample_rate, hop)
    assert found.dtype == np.float32
    edge = sample_rate // (10 * hop)
    # At 62 Hz harmonics begin to be heard through each other's windows.
    assert semitones(found, truth)[edge:-edge].max() < (1e-2 if hz < 100.0 else 3e-3)


@pytest.mark.parametrize("curve", MOVING.values(), ids=MOVING)
def test_moving_pitch_is_followed(curve):
    # The change is looked for along the given pitch: what that follows already is not smoothed.
    audio, truth = sound(curve)
    found = refined(audio, truth * 1.004)
    assert semitones(found, truth)[MIDDLE].max() < 3e-3


def test_it_comes_closer_than_the_tracker_does_in_noise():
    signal = tone(MOVING["glide"], RATE, RICH, phase_seed=0).with_noise(10.0)
    given, confidence = pitch_tracker("swift_f0").track(signal.audio, RATE, HOP)
    found = refined(signal.audio, given, confidence)
    truth = signal.frames(HOP)
    before, after = (semitones(pitch, truth)[MIDDLE].mean() for pitch in (given, found))
    assert after < 0.5 * before
    assert after < 0.012


def test_nothing_moves_where_nothing_is_heard():
    given = np.full(FRAMES, 300.0)
    wrong, _ = sound(steady(301.0, 2.0))
    for audio, confidence in ((np.zeros(FRAMES * HOP), 1.0), (wrong, 0.3)):
        np.testing.assert_array_equal(refined(audio, given, confidence), given.astype(np.float32))
    unpitched = np.zeros(FRAMES)
    np.testing.assert_array_equal(refined(wrong, unpitched), unpitched)
    # Shorter than a window: hardly anything to look at.
    np.testing.assert_allclose(refined(wrong[:HOP], given[:1]), given[:1], rtol=1e-3)


def test_no_pitch_moves_far():
    given = np.full(FRAMES, 300.0)
    for hz in (311.0, 330.0, 600.0, 150.0):
        found = refined(sound(steady(hz, 2.0))[0], given)
        assert np.abs(found / given - 1.0).max() < refinement.LARGEST_CHANGE + 1e-6


def test_unvoiced_frames_take_the_change_of_their_neighbours():
    audio, truth = sound(steady(330.0, 2.0))
    confidence = np.ones(FRAMES)
    confidence[200:240] = 0.0
    found = refined(audio, truth * 1.005, confidence)
    assert semitones(found, truth)[200:240].max() < 3e-3


def test_a_note_between_pauses_is_found_to_its_ends():
    audio, truth = sound(steady(220.5, 2.0))
    audio[: 100 * HOP] = audio[400 * HOP :] = 0.0
    error = semitones(refined(audio, truth * 0.995), truth)
    assert error[100:400].max() < 0.02
    assert np.median(error[100:400]) < 1e-3


def test_blocks_and_shifts_change_nothing(monkeypatch, rng):
    audio, truth = sound(MOVING["vibrato"])
    audio = audio + rng.normal(0.0, 0.01, FRAMES * HOP)
    whole = refined(audio, truth * 0.997)
    monkeypatch.setattr(refinement, "_BLOCK_SAMPLES", 70 * HOP)
    assert_close(refined(audio, truth * 0.997), whole)
    later = refined(np.pad(audio, (50 * HOP, 0)), np.pad(truth * 0.997, (50, 0), mode="edge"))
    assert_close(later[75:-25], whole[MIDDLE])


def test_harmonics_of_a_recording_lie_where_the_refined_pitch_says():
    audio, rate = soundfile.read(resolve("bundled:violin"), dtype="float32", frames=10 * 16000)
    hop = rate // 250
    given, confidence = pitch_tracker("swift_f0").track(audio, rate, hop)
    found = refine_f0(audio, given, confidence, rate, hop)
    size = round(0.128 * rate)
    frames = np.flatnonzero(confidence > 0.9)
    frames = frames[(frames * hop > size) & (frames * hop < audio.size - size)][::25]
    window = np.hanning(size) * np.ones((len(frames), 1))
    cut = np.stack([audio[k * hop - size // 2 :][:size] for k in frames]) * window
    instants = (np.arange(size) - size // 2) / rate

    def level(pitch):
        """Mean decibels at the fifth to fifteenth harmonic."""
        levels = []
        for number in range(5, 16):
            angles = 2.0 * np.pi * number * pitch[frames, None] * instants
            found = np.abs(np.sum(cut * np.exp(-1j * angles), axis=1))
            levels.append(20.0 * np.log10(found + 1e-6))
        return np.mean(levels)

    assert level(found) > level(given) + 0.5
