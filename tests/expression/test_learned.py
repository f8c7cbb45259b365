"""A network and recorded notes shape notes together."""

import numpy as np
import pytest
from keras import ops
from played_notes import PHRASE, RATE, random_network

from ddsp_tf.errors import UserError
from ddsp_tf.expression import learned
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.expression.performance import note_frames
from ddsp_tf.expression.recorded import NoNotesError
from ddsp_tf.features.transcription import Note

PLAYER = LearnedExpression.of(random_network(), [PHRASE], RATE)


def test_recorded_notes_are_what_the_network_leaves():
    moves = ops.convert_to_numpy(PLAYER.network(note_curves(PHRASE.notes, RATE, 370)[None])[0])[0]
    for k, (own, decibels, cents) in enumerate(PHRASE.moves(RATE)):
        left_cents, left_db = PLAYER.notes.warped(k, own.stop - own.start, RATE)
        np.testing.assert_allclose(left_db, decibels - moves[own, 0], atol=0.05)
        np.testing.assert_allclose(left_cents, cents - moves[own, 1], atol=0.05)


def test_played_whole_a_recorded_note_is_itself_again(monkeypatch):
    monkeypatch.setattr(learned, "_DB_SHARES", (1.0, 1.0))
    monkeypatch.setattr(learned, "_EDGE_CENTS_SHARE", 1.0)
    player = LearnedExpression(PLAYER.arrays)
    notes = PHRASE.notes
    shapes = player.shapes(notes, RATE, PHRASE.midi.size)
    for k, (first, end) in enumerate(note_frames(notes, RATE, PHRASE.midi.size)):
        if k == 2:  # The same pitch and connection as the first one, but it cannot follow itself.
            continue
        np.testing.assert_allclose(shapes.midi[first:end], PHRASE.midi[first:end], atol=1e-3)
        np.testing.assert_allclose(shapes.level_db[first:end], PHRASE.level_db[first:end], atol=0.1)


@pytest.mark.parametrize(("deviation_db", "inside"), [(1.0, 1.0), (2.325, 0.55), (9.0, 0.1)])
def test_the_more_notes_differ_the_less_of_it_is_played(deviation_db, inside):
    """Deviations from the network: in full, in part, a tenth; more of the attack."""
    played = {}
    for sign in (-1.0, 1.0):
        relative_db = np.full(PLAYER.arrays["relative_db"].shape, sign * deviation_db)
        player = LearnedExpression({**PLAYER.arrays, "relative_db": relative_db})
        played[sign] = player.shapes([Note(0.0, 1.0, 60.0, -20.0)], RATE, 100).level_db
    share = 0.5 * (played[1.0] - played[-1.0]) / deviation_db
    np.testing.assert_allclose(share[20:], inside, rtol=1e-6)
    assert share[0] == pytest.approx(min(inside + 0.4, 1.0))


def test_swells_are_played_more_than_the_rest():
    """Of 60 dB a second, far more than usual, a tenth, and half of what that leaves."""
    ends, swell = PLAYER.arrays["ends"], np.zeros(PLAYER.arrays["relative_db"].shape)
    for first, end in zip([0, *ends[:-1]], ends, strict=True):
        swell[first:end] = 0.6 * np.arange(end - first)
    played = {}
    for sign in (-1.0, 1.0):
        player = LearnedExpression({**PLAYER.arrays, "relative_db": sign * swell})
        played[sign] = player.shapes([Note(0.0, 1.0, 60.0, -20.0)], RATE, 100).level_db[20:]
    slopes = np.diff(0.5 * (played[1.0] - played[-1.0])) / 0.6
    np.testing.assert_allclose(slopes, 0.55, rtol=1e-6)


def test_blocks_and_frame_rates(monkeypatch):
    notes = [Note(0.5 * k, 0.5 * k + 0.4, 60.0 + k, -20.0) for k in range(8)]
    whole = PLAYER.shapes(notes, RATE, 400)
    monkeypatch.setattr(learned, "_BLOCK_FRAMES", 70)
    np.testing.assert_allclose(PLAYER.shapes(notes, RATE, 400).midi, whole.midi, atol=1e-4)
    faster = PLAYER.shapes(notes, 250, 1000)
    at = np.round(np.arange(20, 380) * 2.5).astype(int)
    off = np.abs(faster.level_db[at] - whole.level_db[20:380])
    assert np.median(off) < 0.5 and faster.level_db.size == 1000
    assert len(PLAYER.shapes([], RATE, 0).midi) == 0


def test_weights_that_do_not_fit_are_refused():
    short = PLAYER.arrays["network"][:-1]
    for weights in (short, np.full(short.size + 1, np.nan)):
        with pytest.raises(UserError, match="weights of the network"):
            LearnedExpression({**PLAYER.arrays, "network": weights})
    with pytest.raises(NoNotesError):
        LearnedExpression.of(random_network(), [], RATE)
