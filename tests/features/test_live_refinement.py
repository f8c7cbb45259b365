"""Live pitch moves to where the harmonics are, and stays where there are none."""

from dataclasses import replace

import numpy as np
import pytest
from backends import to_numpy
from pitch_signals import RICH, cents_between, glide, steady, tone

from ddsp_tf.features.live_refinement import LiveRefinement

RATE = 16000
WINDOWS = [(160.0, 0.020, 0.020), (67.0, 0.029, 0.029), (0.0, 0.060, 0.060)]


@pytest.fixture(scope="module")
def refinement():
    return LiveRefinement(RATE, WINDOWS)


def delay(hz):
    """Samples from what the pitch describes to the end of the sound."""
    return round(RATE * next(seconds for lowest, seconds, _ in WINDOWS if hz >= lowest))


def refined(refinement, signals, given):
    """Refines the pitch of sounds at their end."""
    sounds = np.stack([signal.audio[-2048:] for signal in signals])
    return to_numpy(refinement.refine(sounds, np.float32(given)[:, None]))[:, 0]


@pytest.mark.parametrize("factor", [0.987, 1.0, 1.009])
def test_steady_tones_are_found_exactly(refinement, factor):
    pitches = np.array([31.0, 62.0, 70.3, 130.1, 171.7, 440.0, 655.1, 1511.0, 3333.0, 4186.0])
    signals = [tone(steady(hz, 0.3), RATE, RICH, phase_seed=0) for hz in pitches]
    found = refined(refinement, signals, factor * pitches)
    # Windows of four periods hear a little of the neighbouring harmonics.
    assert cents_between(found, pitches).max() < 1.2


def test_a_glide_is_read_at_the_instant_that_is_described(refinement):
    curves = [glide(hz, hz * 2 ** (1 / 12), 0.3) for hz in (82.0, 220.0, 880.0)]
    truth = np.array([curve[-delay(curve[0])] for curve in curves])
    signals = [tone(curve, RATE, RICH, phase_seed=0) for curve in curves]
    assert cents_between(refined(refinement, signals, 0.995 * truth), truth).max() < 0.5


def test_the_level_makes_no_difference(refinement):
    loud = tone(steady(221.7, 0.3), RATE, RICH, phase_seed=0)
    soft = replace(loud, audio=1e-4 * loud.audio)
    found = refined(refinement, [loud, soft], [220.0, 220.0])
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0] == pytest.approx(221.7, rel=1e-4)


def test_pitch_stays_in_silence_and_where_a_note_begins(refinement):
    begun = tone(np.append(np.zeros(4000), steady(440.0, 0.022)), RATE, RICH)
    silence = replace(begun, audio=np.zeros_like(begun.audio))
    given = [438.0, 438.0]
    np.testing.assert_array_equal(refined(refinement, [begun, silence], given), given)


def test_no_pitch_moves_by_more_than_two_percent(refinement):
    noise = np.random.default_rng(0).normal(size=(200, 2048)).astype(np.float32)
    given = np.geomspace(30.0, 4000.0, 200).astype(np.float32)[:, None]
    found = to_numpy(refinement.refine(noise, given))
    assert np.abs(found / given - 1.0).max() <= 0.0201
