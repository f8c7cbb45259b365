"""Notes with known vibrato and level, and a network that shapes notes at random."""

import numpy as np
from small_models import randomize

from ddsp_tf.expression.network import NoteNetwork
from ddsp_tf.expression.phrases import Phrase

RATE = 100


def recording(*shapes):
    """Features of notes with pauses of 0.3 s: (midi, level in dB, cents, decibels) of each."""
    midi, level = [np.full(30, 60.0)], [np.full(30, -80.0)]
    for key, loud, cents, relative_db in shapes:
        midi += [key + np.asarray(cents) / 100.0, np.full(30, key)]
        level += [loud + np.asarray(relative_db), np.full(30, -80.0)]
    return {
        "f0_hz": 440.0 * 2.0 ** ((np.concatenate(midi) - 69.0) / 12.0),
        "loudness_db": np.concatenate(level),
    }


def vibrato(frames, cents=30.0):
    return cents * np.sin(2.0 * np.pi * 5.0 * np.arange(frames) / RATE + 0.4)


FALL = -0.1 * np.arange(100)
PHRASE = Phrase.of(
    recording(
        (60.0, -10.0, vibrato(100), np.zeros(100)),
        (80.0, -10.0, np.zeros(100), FALL),
        (60.0, -30.0, np.zeros(20), -0.2 * np.arange(20)),
    ),
    RATE,
)
RANGES = np.array([[50.0, -40.0, -3.0], [70.0, 0.0, 1.0]])


def random_network():
    """A network of random weights that has heard notes of `RANGES`."""
    network = NoteNetwork()
    network.build()
    randomize(network)
    network.ranges.assign(RANGES)
    return network
