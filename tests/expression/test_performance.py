"""Curves follow notes and controllers."""

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.expression.parts import Part, Steps
from ddsp_tf.expression.performance import Expression, Shapes, perform
from ddsp_tf.features.transcription import Note, transcribe

RATE = 100
NOTES = (Note(0.2, 0.8, 60.0, -12.0), Note(0.8, 1.2, 64.0, -20.0), Note(1.5, 1.9, 64.0, -12.0))


class Sharp(Expression):
    def shapes(self, notes, frame_rate, frames, seed=0):
        return Shapes(np.full(frames, 61.0), np.full(frames, -20.0))


def midi_of(curves):
    return 69.0 + 12.0 * np.log2(curves["f0_hz"].astype(np.float64) / 440.0)


def played(part=None, **options):
    return perform(part or Part("", NOTES), RATE, 220, **options)


def test_what_is_played_is_what_is_heard():
    heard = transcribe(played(), RATE)
    assert len(heard) == 3
    for note, wanted in zip(heard, NOTES, strict=True):
        assert note.onset_s == pytest.approx(wanted.onset_s, abs=0.021)
        assert note.offset_s == pytest.approx(wanted.offset_s, abs=0.021)
        assert note.midi == pytest.approx(wanted.midi, abs=0.01)
        assert note.level_db == pytest.approx(wanted.level_db, abs=1.0)


def test_pauses_are_silent():
    level = played()["loudness_db"]
    assert (level[:20] == -80.0).all() and (level[120:150] == -80.0).all()
    assert (level[190:] == -80.0).all()


def test_controllers_along_the_notes():
    part = Part(
        "",
        NOTES,
        gain_db=Steps(np.array([0.5]), np.array([-6.0])),
        bend_semitones=Steps(np.array([1.6]), np.array([0.5])),
        modulation=Steps(np.array([0.0]), np.array([1.0])),
    )
    plain, curves = played(), played(part)
    change = curves["loudness_db"] - plain["loudness_db"]
    assert change[49] == 0.0 and change[60] == -6.0
    moved = midi_of(curves) - midi_of(plain)
    assert np.abs(moved[20:32]).max() < 0.01  # Vibrato is not there at once,
    assert 0.45 < np.abs(moved[70:80]).max() < 0.51  # and half a semitone when it is.
    assert moved[165:190].mean() == pytest.approx(0.5, abs=0.2)


def test_volume_in_pauses():
    gain_db = Steps(np.array([0.1, 2.0]), np.array([-6.0, -90.0]))
    level = played(Part("", NOTES, gain_db=gain_db), expression=Sharp())["loudness_db"]
    assert level[5] == -20.0 and level[15] == -26.0 and level[210] == -80.0


def test_vibrato_has_the_depth_that_was_asked_for():
    note = Part("", (Note(0.0, 2.0, 60.0, -12.0),))
    swing = midi_of(played(note, vibrato_cents=30.0))[50:200] - 60.0
    assert np.abs(swing).max() == pytest.approx(0.3, abs=0.01)
    # 5.5 periods a second cross zero 11 times.
    assert 15 <= np.count_nonzero(np.diff(np.sign(swing))) <= 18


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0, 1.5])
def test_the_amount_of_expression(amount):
    curves = played(expression=Sharp(), amount=amount)
    assert midi_of(curves)[50] == pytest.approx(60.0 + amount, abs=1e-4)
    assert curves["loudness_db"][50] == pytest.approx(-12.0 - 8.0 * amount, abs=1e-4)
    assert curves["loudness_db"][10] == pytest.approx(min(-80.0 + 60.0 * amount, -20.0), abs=1e-4)


def test_no_notes_are_silence():
    curves = played(Part("", ()))
    assert (curves["f0_hz"] == 0.0).all() and (curves["loudness_db"] == -80.0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"amount": 1.6}, "expression 1.6"), ({"vibrato_cents": -1.0}, "vibrato -1.0")],
)
def test_settings_out_of_range(options, words):
    with pytest.raises(UserError, match=words):
        played(**options)
