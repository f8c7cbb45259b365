"""Songs are played by one model, or by several together."""

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.expression.parts import Part
from ddsp_tf.features.transcription import Note, transcribe
from ddsp_tf.inference.songs import Manner, ensemble, note_range, song_curves, song_seconds

RANGES = {
    "f0_midi": {"min": 55.0, "max": 88.0, "mean": 70.0},
    "loudness_db": {"p5": -25.0, "p95": 5.0, "mean": -6.0},
    "power_db": {"mean": -27.0},
}
PART = Part("tune", (Note(0.0, 1.0, 60.0, 0.0), Note(1.0, 2.0, 40.0, -60.0)))


class Tone:
    """Plays a constant, as loud as the curve says."""

    feature_names, vector_sizes, sample_rate, latency = ("f0_hz", "loudness_db"), {}, 16000, 0

    def __init__(self, frame_rate):
        self.frame_rate, self.hop = frame_rate, 16000 // frame_rate

    def initial_state(self, batch_size):
        return {}

    def stream(self, features, state):
        levels = 10 ** (np.asarray(features["loudness_db"]) / 20)
        return np.repeat(levels, self.hop, axis=1).astype(np.float32), state


def curves_of(part=PART, heard=None, **manner):
    heard = [] if heard is None else heard
    return song_curves(part, Tone(100), RANGES, Manner(**manner), on_warning=heard.append)


def test_levels_are_those_of_the_training_data():
    curves = curves_of()
    assert curves["f0_hz"].shape == (300,)
    assert curves["loudness_db"][50] == 5.0 and curves["loudness_db"][150] == -25.0
    assert curves["power_db"][50] == -16.0


def test_notes_outside_of_the_range_are_said_or_moved():
    heard = []
    assert curves_of(heard=heard)["f0_hz"][150] == pytest.approx(82.41, abs=0.01)
    assert heard == [
        "track 'tune': 1 of 2 notes lie outside of MIDI 55 to 88, which the model was trained on; "
        "they may sound wrong"
    ]
    moved = curves_of(heard=heard, octaves=True)
    assert moved["f0_hz"][150] == pytest.approx(329.63, abs=0.01)
    assert heard[1].endswith("they are moved by octaves")


def test_errors_of_the_tracker_do_not_widen_the_note_range():
    counts = [2, 0, 0, 300, 0, 698, 0, 1]
    statistics = {
        "f0_midi": {"min": 20.1, "max": 27.4},
        "histograms": {"f0_midi": {"first": 20, "counts": counts}},
    }
    assert note_range(statistics) == (23.0, 25.0)
    assert note_range({"f0_midi": statistics["f0_midi"]}) == (20.1, 27.4)


def test_repeated_notes_are_heard_twice():
    curves = curves_of(Part("", (Note(0.0, 1.0, 60.0), Note(1.0, 2.0, 60.0))))
    assert len(transcribe(curves, 100)) == 2


def test_two_notes_at_once_are_said():
    heard = []
    curves_of(Part("", (Note(0.0, 1.0, 60.0), Note(0.0, 1.0, 64.0))), heard)
    assert heard == ["1 times two notes at once; the highest is played"]


def test_notes_too_short_to_play_are_counted():
    heard = []
    short = Note(1.0, 1.01, 62.0)
    curves_of(Part("", (PART.notes[0], short)), heard)
    assert heard == ["1 notes are shorter than 20 ms and left out"]
    with pytest.raises(UserError, match="no note lasts 20 ms"):
        curves_of(Part("", (short,)), heard)


def test_several_models_of_other_frame_rates_sound_together():
    players = [Tone(100), Tone(250), Tone(50)]
    seconds = song_seconds([PART])
    curves = [
        {
            "f0_hz": np.full(round(seconds * player.frame_rate), 220.0),
            "loudness_db": np.full(round(seconds * player.frame_rate), -20.0),
        }
        for player in players
    ]
    blocks = list(ensemble(players, curves))
    audio = np.concatenate(blocks)
    assert audio.size == 48000 and max(map(len, blocks)) <= 16000
    np.testing.assert_allclose(audio, 0.3 / np.sqrt(3.0), rtol=1e-5)


def test_humanized_timing_is_off_by_default():
    assert np.array_equal(curves_of()["f0_hz"], curves_of(seed=5)["f0_hz"])
    late = curves_of(humanize_s=0.03, seed=5)
    assert not np.array_equal(late["f0_hz"], curves_of()["f0_hz"])


def test_wrong_settings_are_refused():
    with pytest.raises(UserError, match=r"expression 2\.0: expected 0 to 1\.5"):
        curves_of(expression=2.0)


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (Note(0.0, 1.0, float("nan")), "note 1: midi is nan"),
        (Note(0.0, float("inf"), 60.0), "note 1: offset_s is inf"),
        (Note(-1.0, 1.0, 60.0), "note 1: onset_s is -1"),
        (Note(1.0, 0.5, 60.0), "note 1: from 1 s to 0.5 s; expected an end after its start"),
        (Note(0.0, 1.0, 60.0, float("nan")), "note 1: level_db is nan"),
        (Note(0.0, 20000.0, 60.0), "end of the last note is 20000"),
    ],
)
def test_notes_that_cannot_be_played(note, words):
    with pytest.raises(UserError, match=words):
        curves_of(Part("", (PART.notes[0], note)))


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ({"chords": "all"}, "chords 'all': expected one of highest, lowest, error"),
        ({"humanize_s": float("nan")}, "humanize_s is nan"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_manners_that_do_not_exist(manner, words):
    with pytest.raises(UserError, match=words):
        curves_of(**manner)
    with pytest.raises(UserError, match="ranges lack 'f0_midi'"):
        song_curves(PART, Tone(100), {})
