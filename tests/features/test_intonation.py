"""Pitch correction moves notes, not vibrato."""

import numpy as np
import pytest

from ddsp_tf.features.intonation import correct_pitch
from ddsp_tf.units import hz_to_midi, midi_to_hz

RATE = 250
TIME = np.arange(2 * RATE) / RATE


def sing(midi):
    return np.asarray(midi_to_hz(midi))


def corrected_midi(midi, amount=1.0):
    sung = sing(midi)
    corrected = correct_pitch(sung, np.ones(len(sung), bool), RATE, amount)
    return np.asarray(hz_to_midi(corrected))


@pytest.mark.parametrize("cents", [-40, -15, 0, 35])
@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_a_note_is_drawn_to_the_nearest(cents, amount):
    corrected = corrected_midi(np.full(500, 60.0 + cents / 100), amount)
    np.testing.assert_allclose(corrected, 60 + (1 - amount) * cents / 100, atol=1e-4)


def test_vibrato_keeps_its_depth():
    vibrato = 0.4 * np.sin(2 * np.pi * 6.0 * TIME)
    corrected = np.asarray(
        hz_to_midi(correct_pitch(sing(60.3 + vibrato), np.ones(500, bool), RATE))
    )
    assert abs(corrected.mean() - 60.0) < 0.03
    inside = corrected[50:-50]
    assert np.ptp(inside) == pytest.approx(0.8, abs=0.05)


def test_a_step_is_as_quick_as_before_and_both_notes_are_in_tune():
    midi = np.where(TIME < 1.0, 60.2, 63.7)
    corrected = corrected_midi(midi)
    np.testing.assert_allclose(corrected[:240], 60.0, atol=1e-3)
    np.testing.assert_allclose(corrected[260:], 64.0, atol=1e-3)
    assert np.diff(corrected).max() > 3.0


def test_pauses_are_left_alone():
    sung, notes = sing(np.full(500, 60.3)), TIME < 1.0
    corrected = correct_pitch(sung, notes, RATE)
    np.testing.assert_array_equal(corrected[~notes], sung[~notes])
