"""Parts of a song become one voice within an instrument's range."""

import itertools

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.expression.parts import (
    Steps,
    humanized,
    one_voice,
    with_levels,
    with_repeats_apart,
    within_range,
)
from ddsp_tf.features.transcription import Note


def spans(notes):
    return [(round(n.onset_s, 3), round(n.offset_s, 3), n.midi) for n in notes]


def test_legato_ends_where_the_next_note_begins():
    voice, left_out = one_voice([Note(0.0, 1.05, 60.0), Note(1.0, 2.0, 62.0)], "error")
    assert spans(voice) == [(0.0, 1.0, 60.0), (1.0, 2.0, 62.0)] and left_out == 0


CHORD = [Note(0.0, 1.0, 60.0), Note(0.0, 1.5, 64.0), Note(0.0, 1.0, 67.0), Note(1.5, 2.0, 65.0)]


def test_the_highest_of_a_chord_and_what_is_left_of_others():
    voice, left_out = one_voice(CHORD, "highest")
    assert spans(voice) == [(0.0, 1.0, 67.0), (1.5, 2.0, 65.0)] and left_out == 2


def test_the_lowest_of_a_chord():
    voice, left_out = one_voice(CHORD, "lowest")
    assert spans(voice)[0] == (0.0, 1.0, 60.0) and left_out == 2


def test_a_melody_over_a_drone():
    drone = Note(0.0, 4.0, 48.0)
    melody = [Note(k, k + 1.0, 60.0 + k) for k in range(4)]
    voice, left_out = one_voice([drone, *melody], "highest")
    assert spans(voice) == spans(melody) and left_out == 1


@pytest.mark.parametrize("chords", ["highest", "lowest"])
def test_one_at_a_time_whatever_is_played(chords, rng):
    onsets = np.sort(rng.uniform(0.0, 30.0, 200))
    notes = [
        Note(float(t), float(t + rng.uniform(0.03, 2.0)), float(rng.integers(40, 90)))
        for t in onsets
    ]
    voice, _ = one_voice(notes, chords)
    for before, after in itertools.pairwise(voice):
        assert before.onset_s < before.offset_s <= after.onset_s


def test_two_notes_at_once_can_be_an_error():
    with pytest.raises(UserError, match=r"two notes at once at 0.00 s, MIDI 60 and 64; expected"):
        one_voice(CHORD, "error")


def test_repeated_notes_are_apart_whatever_their_length():
    notes = [
        Note(0.0, 1.0, 60.0),
        Note(1.0, 1.08, 60.0),
        Note(1.08, 2.0, 60.0),
        Note(2.0, 3.0, 62.0),
    ]
    assert spans(with_repeats_apart(notes)) == [
        (0.0, 0.94, 60.0),
        (1.0, 1.04, 60.0),
        (1.08, 2.0, 60.0),
        (2.0, 3.0, 62.0),
    ]
    pause = [Note(0.0, 0.5, 60.0), Note(0.6, 1.0, 60.0)]
    assert with_repeats_apart(pause) == pause


def test_notes_move_by_octaves_into_the_range():
    notes = [Note(0.0, 1.0, midi) for midi in (30.0, 54.8, 60.0, 88.4, 101.0)]
    moved, outside = within_range(notes, 55.0, 88.0)
    assert [note.midi for note in moved] == [66.0, 54.8, 60.0, 88.4, 77.0]
    assert [note.midi for note in outside] == [30.0, 101.0]


def test_levels_end_at_the_softest():
    notes = [Note(0.0, 1.0, 60.0, level) for level in (0.0, -10.0, -60.0)]
    assert [n.level_db for n in with_levels(notes, -25.0, 5.0)] == [5.0, -5.0, -25.0]


def test_humanized_notes_stay_in_order():
    notes = [Note(0.1 * k, 0.1 * k + 0.1, 60.0) for k in range(50)]
    moved = humanized(notes, 0.1, seed=3)
    assert moved != notes and humanized(notes, 0.1, seed=3) == moved
    for before, after in itertools.pairwise(moved):
        assert before.onset_s < before.offset_s <= after.onset_s


def test_steps_hold():
    steps = Steps(np.array([1.0, 2.0]), np.array([3.0, 4.0]), before=9.0)
    assert steps.at(np.array([0.0, 1.0, 1.99, 5.0])).tolist() == [9.0, 3.0, 3.0, 4.0]
