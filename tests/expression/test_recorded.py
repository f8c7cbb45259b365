"""New notes are shaped as recorded ones."""

import numpy as np
import pytest
from played_notes import PHRASE, RATE

from ddsp_tf.errors import UserError
from ddsp_tf.expression.performance import note_frames
from ddsp_tf.expression.phrases import Phrase
from ddsp_tf.expression.recorded import NAMES, RecordedNotes, warp
from ddsp_tf.features.transcription import Note

PLAYER = RecordedNotes.learn([PHRASE], RATE)


def shapes_of(*notes, seed=0, rate=RATE):
    seconds = max(note.offset_s for note in notes)
    return PLAYER.shapes(notes, rate, round(seconds * rate), seed)


def test_every_note_is_learned():
    assert PLAYER.count == 3
    np.testing.assert_allclose(PLAYER.arrays["facts"][:, 0], [60.0, 80.0, 60.0], atol=0.1)


def test_the_note_that_fits_is_taken():
    low = shapes_of(Note(0.0, 1.0, 62.0, -12.0))
    assert np.ptp(low.midi[20:80]) == pytest.approx(0.6, abs=0.02)
    assert np.ptp(low.level_db[20:80]) < 0.1
    high = shapes_of(Note(0.0, 1.0, 78.0, -12.0))
    assert np.ptp(high.midi[20:80]) < 0.01
    np.testing.assert_allclose(np.diff(high.level_db[20:60]), -0.1, atol=0.01)


@pytest.mark.parametrize("seconds", [0.6, 2.4])
@pytest.mark.parametrize("rate", [100, 250])
def test_vibrato_keeps_its_rate_and_depth(seconds, rate):
    midi = shapes_of(Note(0.0, seconds, 60.0, -10.0), rate=rate).midi
    inside = midi[round(0.1 * rate) : round((seconds - 0.1) * rate)] - 60.0
    crossings = np.count_nonzero(np.diff(inside > 0.0))
    # Ten crossings a second, but for a seam.
    assert crossings == pytest.approx(10.0 * (seconds - 0.2), abs=2.5)
    assert 0.25 < np.abs(inside).max() < 0.34


def test_notes_keep_pitch_level_and_place(rng):
    notes, now = [], 0.0
    for _ in range(40):
        length = float(rng.uniform(0.05, 1.5))
        notes.append(Note(now, now + length, float(rng.integers(50, 90)), -20.0))
        now += length + float(rng.choice([0.0, 0.2]))
    shapes = shapes_of(*notes)
    for note, (first, end) in zip(notes, note_frames(notes, RATE, len(shapes.midi)), strict=True):
        assert np.median(shapes.midi[first:end]) == pytest.approx(note.midi, abs=0.6)
        assert shapes.level_db[first:end].max() <= -19.0
    assert np.isfinite(shapes.midi).all() and np.isfinite(shapes.level_db).all()


def test_pauses_are_as_quiet_as_those_of_the_recordings():
    pauses = np.concatenate([np.full(20, -55.0), np.full(10, -35.0)])  # Ten frames of a chair.
    level_db = np.concatenate([pauses, np.full(60, -10.0), pauses])
    features = {"f0_hz": np.full(level_db.size, 440.0), "loudness_db": level_db}
    player = RecordedNotes.learn([Phrase.of(features, RATE)], RATE)
    shapes = player.shapes([Note(0.5, 1.0, 69.0, -20.0)], RATE, 200)
    np.testing.assert_allclose(np.delete(shapes.level_db, slice(50, 100)), -55.0, atol=1e-4)
    np.testing.assert_allclose(shapes.level_db[60:90], -20.0, atol=0.1)


def test_without_pauses_they_are_silent():
    hz = np.repeat([440.0, 550.0, 660.0], 40)
    phrase = Phrase.of({"f0_hz": hz, "loudness_db": np.full(120, -10.0)}, RATE)
    assert len(phrase.notes) == 3
    assert RecordedNotes.learn([phrase], RATE).pause_db == -80.0


def test_the_same_seed_plays_the_same():
    notes = [Note(0.2 * k, 0.2 * k + 0.2, 60.0, -20.0) for k in range(10)]
    np.testing.assert_array_equal(shapes_of(*notes, seed=4).midi, shapes_of(*notes, seed=4).midi)


def test_a_curve_of_any_length_has_its_own_ends(rng):
    curve = rng.normal(size=120)
    for frames in (1, 2, 5, 40, 119, 120, 121, 400, 3000):
        warped = warp(curve, frames, RATE)
        assert warped.shape == (frames,)
        assert curve.min() - 1e-9 <= warped.min() and warped.max() <= curve.max() + 1e-9
        if frames > 60:
            np.testing.assert_allclose(warped[:15], curve[:15])
            np.testing.assert_allclose(warped[-15:], curve[-15:])
    assert warp(np.array([3.0]), 4, RATE).tolist() == [3.0, 3.0, 3.0, 3.0]


def test_recordings_without_notes_are_refused():
    silence = {"f0_hz": np.zeros(100), "loudness_db": np.full(100, -80.0)}
    with pytest.raises(UserError, match="no note was found"):
        RecordedNotes.learn([Phrase.of(silence, RATE)], RATE)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("frame_rate", np.float32(0.0), "frame_rate"),
        ("pause_db", np.zeros(2), "pause_db"),
        ("facts", np.zeros((2, 6)), "differ in their number"),
        ("cents", np.zeros(3), "differ in length"),
        ("ends", np.array([10, 5, 220]), "do not divide"),
        ("ends", np.array([120, 60, 220], np.uint16), "do not divide"),
        ("ends", np.array([60.0, 120.0, np.nan]), "do not divide"),
        ("relative_db", np.full(PLAYER.arrays["cents"].size, np.nan), "not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, value, words):
    assert set(PLAYER.arrays) == set(NAMES)
    with pytest.raises(UserError, match=words):
        RecordedNotes({**PLAYER.arrays, name: value})
