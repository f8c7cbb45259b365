"""What a transfer does to the sound: measured on what a bundled instrument plays, not on curves."""

import numpy as np
import pytest
from backends import tensorflow_only

from ddsp_tf.app.recordings import recording
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.features.transfer import transfer_curves
from ddsp_tf.inference.bundled import instrument
from ddsp_tf.inference.playing import load_player, load_ranges
from ddsp_tf.inference.rendering import synthesize

pytestmark = tensorflow_only
PAUSE = slice(4.4, 5.8)


@pytest.fixture(scope="module")
def violin():
    folder = instrument("violin")
    player, extractor = load_player(folder)
    return player, extractor, load_ranges(folder)


@pytest.fixture(scope="module")
def curves(violin):
    """Of a flute, a quiet room with a hum, and the flute again."""
    return measured(violin, hum=2e-3)


def measured(violin, hum):
    """Curves of four seconds of a flute, two of a quiet room with a hum, and the flute again."""
    _, extractor, _ = violin
    rate = extractor.sample_rate
    flute = read_audio(recording("flute"), rate)[: 4 * rate]
    time = np.arange(2 * rate) / rate
    room = np.random.default_rng(0).normal(0.0, 1e-3, time.size)
    room += hum * np.sin(2 * np.pi * 150.0 * time)
    return extractor.extract(np.concatenate([flute, room, flute]).astype(np.float32))


def play(player, curves):
    return np.concatenate(list(synthesize(player, curves)))


def level_db(audio, seconds, rate):
    part = audio[int(seconds.start * rate) : int(seconds.stop * rate)]
    return 10 * np.log10(np.mean(part**2) + 1e-12)


def test_pauses_become_silent(violin, curves):
    player, _, ranges = violin
    notes = slice(0.5, 3.5)
    louder = measured(violin, hum=4e-3)
    levels = {}
    for name, heard in (("quiet hum", curves), ("louder hum", louder)):
        fitted = transfer_curves(heard, player.frame_rate, ranges).curves
        audio = play(player, fitted)
        levels[name] = [level_db(audio, part, player.sample_rate) for part in (notes, PAUSE)]
        assert levels[name][0] > -40.0, levels
        # What the instrument plays when it is told to be silent, in 16 bits nothing but the last.
        assert levels[name][1] < -75.0, levels
    # Without it, one hears what the instrument makes of the hum.
    as_measured = level_db(play(player, louder), PAUSE, player.sample_rate)
    assert as_measured > levels["louder hum"][1] + 15.0, (as_measured, levels)


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
def test_notes_sound_where_the_instrument_was_taught(violin, curves, factor):
    player, extractor, ranges = violin
    moved = {**curves, "f0_hz": curves["f0_hz"] * np.float32(factor)}
    fitted = transfer_curves(moved, player.frame_rate, ranges)
    heard = extractor.extract(play(player, fitted.curves))
    sure = fitted.notes & (heard["f0_confidence"] > 0.8)
    assert np.mean(sure[fitted.notes]) > 0.7
    cents = 1200 * np.log2(heard["f0_hz"][sure] / fitted.curves["f0_hz"][sure])
    assert np.mean(np.abs(cents) < 50) > 0.95
    # Wherever the melody came from, it arrives in the same octave, the training data's.
    midi = 69 + 12 * np.log2(np.median(heard["f0_hz"][sure]) / 440.0)
    assert abs(midi - ranges["f0_midi"]["mean"]) < 8.0


def test_pitch_correction_is_heard(violin, curves):
    player, extractor, ranges = violin
    sharp = {**curves, "f0_hz": curves["f0_hz"] * np.float32(2 ** (0.35 / 12))}
    distances = []
    for correction in (0.0, 1.0):
        fitted = transfer_curves(sharp, player.frame_rate, ranges, pitch_correction=correction)
        heard = extractor.extract(play(player, fitted.curves))
        sure = fitted.notes & (heard["f0_confidence"] > 0.8)
        midi = 69 + 12 * np.log2(heard["f0_hz"][sure] / 440.0)
        distances.append(np.median(np.abs(midi - np.round(midi))))
    assert distances[1] < 0.15 < distances[0], distances
