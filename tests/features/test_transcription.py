"""Notes are found one by one: legato, repeated, with vibrato and glides, and nothing else is."""

import numpy as np
import pytest
from mir_eval.transcription import match_notes
from pitch_signals import glide, steady, tone, vibrato

from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.transcription import Note, transcribe

RATE = 100
HARMONICS = tuple(1.0 / k for k in range(1, 13))


def curves(midi, level_db, confidence=1.0):
    midi = np.asarray(midi, np.float64)
    return {
        "f0_hz": 440.0 * 2.0 ** ((midi - 69.0) / 12.0),
        "loudness_db": np.broadcast_to(np.asarray(level_db, np.float64), midi.shape),
        "f0_confidence": np.broadcast_to(np.asarray(confidence, np.float64), midi.shape),
    }


def spans_of(notes):
    return [(round(note.onset_s * RATE), round(note.offset_s * RATE)) for note in notes]


def test_a_scale_without_gaps():
    midi = np.repeat([60.0, 62.0, 64.0, 65.0], [30, 12, 25, 40])
    notes = transcribe(curves(midi, -20.0), RATE)
    assert spans_of(notes) == [(0, 30), (30, 42), (42, 67), (67, 107)]
    assert [round(note.midi) for note in notes] == [60, 62, 64, 65]


def test_pitch_level_and_confidence_of_a_note():
    level = np.repeat([-75.0, -23.0, -75.0], [20, 60, 20])
    (note,) = transcribe(curves(np.full(100, 57.3), level, 0.8), RATE)
    assert (note.onset_s, note.offset_s) == (0.2, 0.8)
    assert note.midi == pytest.approx(57.3) and note.level_db == -23.0
    assert note.confidence == pytest.approx(0.8)


@pytest.mark.parametrize("cents", [30, 60, 100])
def test_vibrato_stays_one_note(cents):
    time = np.arange(200) / RATE
    midi = 64.0 + cents / 100.0 * np.sin(2.0 * np.pi * 5.5 * time)
    level = -20.0 + 3.0 * np.sin(2.0 * np.pi * 5.5 * time)
    (note,) = transcribe(curves(midi, level), RATE)
    assert spans_of([note]) == [(0, 200)] and note.midi == pytest.approx(64.0, abs=0.1)


def test_a_trill_is_many_notes():
    notes = transcribe(curves(np.tile(np.repeat([70.0, 72.0], 9), 6), -20.0), RATE)
    assert len(notes) == 12


@pytest.mark.parametrize("seconds", [0.05, 0.2])
def test_a_glide_joins_two_notes(seconds):
    between = np.linspace(60.0, 67.0, round(seconds * RATE))
    midi = np.concatenate([np.full(50, 60.0), between, np.full(50, 67.0)])
    first, second = transcribe(curves(midi, -20.0), RATE)
    middle = 0.5 + seconds / 2.0
    assert first.offset_s == second.onset_s == pytest.approx(middle, abs=seconds / 2.0 + 0.01)


def test_a_scoop_belongs_to_its_note():
    rising = 63.0 + np.minimum(np.arange(20) / 20.0, 1.0)
    level = np.concatenate([np.full(20, -75.0), np.full(120, -20.0)])
    midi = np.concatenate([np.full(20, 63.0), rising, np.full(100, 64.0)])
    (note,) = transcribe(curves(midi, level), RATE)
    assert spans_of([note]) == [(20, 140)] and round(note.midi) == 64


def test_an_octave_error_in_the_decay_is_no_note():
    midi = np.repeat([60.0, 48.0], [60, 30])
    level = np.concatenate([np.full(60, -15.0), np.linspace(-20.0, -45.0, 30)])
    (note,) = transcribe(curves(midi, level), RATE)
    assert round(note.midi) == 60


def test_an_octave_that_is_played_is_a_note():
    notes = transcribe(curves(np.repeat([60.0, 72.0], 50), -20.0), RATE)
    assert [round(note.midi) for note in notes] == [60, 72]


def test_repeated_notes_are_distinguished_from_a_swell():
    dips = np.full(200, -20.0)
    dips[[99, 100, 101]] = -48.0
    first, second = spans_of(transcribe(curves(np.full(200, 60.0), dips), RATE))
    assert first[0] == 0 and 99 <= first[1] <= second[0] <= 102 and second[1] == 200
    swell = -20.0 - 10.0 * np.sin(2.0 * np.pi * 2.0 * np.arange(200) / RATE)
    assert len(transcribe(curves(np.full(200, 60.0), swell), RATE)) == 1


@pytest.mark.parametrize(
    ("midi", "level", "confidence"),
    [
        (np.full(100, 60.0), -80.0, 1.0),  # Silence.
        (np.full(100, 60.0), -20.0, 0.2),  # Noise.
        (np.full(100, -np.inf), -20.0, 1.0),  # No pitch.
    ],
)
def test_without_notes(midi, level, confidence):
    assert transcribe(curves(midi, level, confidence), RATE) == []


def test_quiet_recordings_have_the_same_notes():
    midi = np.repeat([60.0, 62.0], 50)
    level = np.concatenate([np.full(50, -20.0), np.full(50, -26.0)])
    quiet = transcribe(curves(midi, level - 45.0), RATE)
    assert spans_of(quiet) == spans_of(transcribe(curves(midi, level), RATE))


@pytest.mark.parametrize("frame_rate", [50, 100, 250])
def test_any_frame_rate(frame_rate):
    midi = np.repeat([60.0, 61.0, 72.0], [frame_rate, frame_rate // 2, frame_rate])
    notes = transcribe(curves(midi, -20.0), frame_rate)
    assert [note.onset_s for note in notes] == [0.0, 1.0, 1.5]


def played(parts):
    """Sound of notes, with attacks of 10 ms, and their spans and pitches."""
    audio, truth, now = [], [], 0.2
    audio.append(np.zeros(round(0.2 * 16000)))
    for pitch, level, gap in parts:
        sound = tone(pitch, 16000, HARMONICS, level, phase_seed=1).audio
        ramp = np.minimum(np.arange(sound.size) / 160.0, 1.0)
        sound = sound * ramp * np.minimum(ramp[::-1], 1.0)
        rest = np.zeros(round(gap * 16000))
        truth.append((now, now + sound.size / 16000, np.median(pitch)))
        now += (sound.size + rest.size) / 16000
        audio += [sound, rest]
    noise = np.random.default_rng(0).normal(0.0, 1e-4, round(now * 16000) + 4000)
    sound = np.concatenate(audio)
    noise[: sound.size] += sound
    return noise.astype(np.float32), np.array(truth)


def f_measure(audio, truth, frame_rate=RATE):
    extractor = FeatureExtractor(16000, frame_rate, "auto")
    notes = transcribe(extractor.extract(audio), frame_rate, audio, 16000)
    spans = np.array([(note.onset_s, note.offset_s) for note in notes])
    hz = np.array([440.0 * 2.0 ** ((note.midi - 69.0) / 12.0) for note in notes])
    matched = match_notes(truth[:, :2], truth[:, 2], spans, hz)
    return 2.0 * len(matched) / (len(truth) + len(notes))


def test_from_sound_to_notes():
    """Loud and soft, short and long, repeated, with vibrato and after a glide."""
    audio, truth = played(
        [
            (steady(220.0, 0.4), 0.2, 0.03),
            (steady(220.0, 0.3), 0.2, 0.04),
            (vibrato(330.0, 50.0, 5.5, 0.9), 0.1, 0.0),
            (steady(247.0, 0.15), 0.02, 0.04),
            (steady(247.0, 0.5), 0.02, 0.1),
            (np.concatenate([glide(415.0, 440.0, 0.06), steady(440.0, 0.6)]), 0.2, 0.0),
        ]
    )
    assert f_measure(audio, truth) == 1.0


def test_notes_compare_by_value():
    assert Note(0.0, 1.0, 60.0) == Note(0.0, 1.0, 60.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loudness_db": np.zeros(9)}, r"loudness_db has the shape \[9\], f0_hz \[10\]"),
        ({"f0_hz": np.zeros((1, 10))}, r"f0_hz has the shape \[1, 10\]"),
        ({"f0_hz": ["a"] * 10}, "f0_hz is not an array of numbers"),
        ({"frame_rate": 0}, "frame_rate is 0; expected"),
        ({"audio": np.zeros(100)}, "sample_rate is None"),
        ({"audio": np.zeros((2, 100)), "sample_rate": 16000}, "expected mono"),
        ({"audio": np.full(100, np.nan), "sample_rate": 16000}, "NaN or infinite"),
    ],
)
def test_what_is_no_recording_is_named(change, words):
    given = {"f0_hz": np.zeros(10), "loudness_db": np.zeros(10), "frame_rate": RATE, **change}
    features = {name: given.pop(name) for name in ("f0_hz", "loudness_db")}
    with pytest.raises(UserError, match=words):
        transcribe(features, **given)
    with pytest.raises(UserError, match="lack 'loudness_db'"):
        transcribe({"f0_hz": np.zeros(10), "power_db": np.zeros(10)}, RATE)


def test_frames_without_a_number_are_pauses():
    given = curves(np.full(100, 60.0), -20.0)
    for name in given:
        holed = {**given, name: np.where(np.arange(100) // 20 == 2, np.nan, given[name])}
        assert transcribe(holed, RATE) == transcribe(
            {
                **given,
                name: np.nan_to_num(holed[name], nan=-80.0 if name == "loudness_db" else 0.0),
            },
            RATE,
        )
