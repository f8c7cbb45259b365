"""Notes are found where they sound, and nothing sounds between them."""

import numpy as np
import pytest

from ddsp_tf.features.notes import SILENT_DB, find_notes, silence_pauses, spans

RATE = 100


def test_three_notes_are_found_to_the_frame():
    level = np.full(300, -75.0)
    truth = [(20, 90), (120, 180), (200, 290)]
    for first, end in truth:
        level[first:end] = -25.0
    assert spans(find_notes(np.full(300, 220.0), level, RATE)) == truth


def test_a_breath_without_pitch_is_no_note():
    confidence = np.repeat([0.9, 0.2, 0.9], 50)
    notes = find_notes(np.full(150, 220.0), np.full(150, -20.0), RATE, confidence)
    assert spans(notes) == [(0, 50), (100, 150)]


def test_clicks_and_dropouts_do_not_count():
    level = np.full(200, -75.0)
    level[10:13] = -20.0  # A click of 30 ms.
    level[50:150] = -20.0
    level[100:103] = -75.0  # A dropout of 30 ms.
    assert spans(find_notes(np.full(200, 220.0), level, RATE)) == [(50, 150)]


def test_a_faint_hum_is_no_note_but_a_notes_faint_end_is():
    level = np.full(300, -79.0)
    level[20:100] = np.linspace(-20.0, -70.0, 80)  # A note that decays.
    level[150:250] = -67.0  # A hum, within 45 dB of the loud parts, which begin at -29 dB.
    ((first, end),) = spans(find_notes(np.full(300, 220.0), level, RATE))
    assert first == 20 and 95 <= end <= 100
    # All on one level, close to the gate or not, is a note.
    for gate_db in (5.0, 45.0):
        assert find_notes(np.full(50, 220.0), np.full(50, -30.0), RATE, None, gate_db).all()


@pytest.mark.parametrize("level", [-80.0, -20.0])
def test_without_pitch_or_level_there_are_no_notes(level):
    pitch = np.full(50, 220.0 if level == SILENT_DB else 0.0)
    assert not find_notes(pitch, np.full(50, level), RATE).any()


def test_pauses_are_silent_and_notes_untouched(rng):
    level = rng.uniform(-50.0, -10.0, 200).astype(np.float32)
    notes = np.zeros(200, bool)
    notes[40:90] = notes[120:160] = True
    silent = silence_pauses(level, notes, RATE)
    np.testing.assert_array_equal(silent[notes], level[notes])
    assert (silent <= level).all()
    # 20 ms are two frames.
    assert (silent[:39] == SILENT_DB).all() and (silent[91:119] == SILENT_DB).all()


def test_nothing_but_pause():
    silent = silence_pauses(np.full(10, -20.0), np.zeros(10, bool), RATE)
    assert (silent == SILENT_DB).all()


def test_spans_are_where_a_mask_is_true(rng):
    mask = rng.random(1000) < 0.5
    again = np.zeros(1000, bool)
    for first, last in spans(mask):
        assert not again[first:last].any()
        assert first == 0 or not mask[first - 1]
        again[first:last] = True
    np.testing.assert_array_equal(again, mask)
