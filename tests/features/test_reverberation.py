"""Rooms are recognized by how fast tones can fall silent."""

import numpy as np
import pytest

from ddsp_tf.features.reverberation import DRY_FALL_DB, largest_fall_db

RATE = 8000


def played(rng, release=0.05):
    """Ten notes of half a second with pauses, and the noise of a recording, 70 dB below."""
    time = np.arange(10 * RATE) / RATE
    gate = np.clip((0.5 - time % 1.0) / release, 0.0, 1.0)
    tone = sum(np.sin(2 * np.pi * 220 * k * time + k) / k for k in range(1, 9))
    return 0.3 * gate * tone + 1e-4 * rng.normal(size=time.size)


def in_room(rng, audio, seconds, direct_db):
    """The same in a room that falls by 60 dB in some seconds, softer than the direct sound."""
    time = np.arange(round(1.5 * seconds * RATE)) / RATE
    room = rng.normal(size=time.size) * 10 ** (-3 * time / seconds)
    room *= 10 ** (-direct_db / 20) / np.linalg.norm(room)
    size = len(audio) + len(room)
    spectrum = np.fft.rfft(audio, size) * np.fft.rfft(room, size)
    return audio + np.fft.irfft(spectrum, size)[: len(audio)]


@pytest.mark.parametrize("release", [0.01, 0.05, 0.12])
def test_without_a_room_tones_fall_to_the_noise(rng, release):
    assert largest_fall_db([played(rng, release)], RATE) > DRY_FALL_DB + 5.0


@pytest.mark.parametrize(
    ("seconds", "direct_db"), [(0.25, 3.0), (0.3, 10.0), (0.5, 6.0), (0.9, 3.0), (0.9, 15.0)]
)
def test_in_a_room_they_fall_as_the_room_does(rng, seconds, direct_db):
    fall_db = largest_fall_db([in_room(rng, played(rng), seconds, direct_db)], RATE)
    assert fall_db < DRY_FALL_DB - 5.0
    # By the direct sound, and by what the room falls in the rest of the tenth of a second.
    assert fall_db == pytest.approx(direct_db + 6.0 / seconds, abs=8.0)


def test_few_tones_say_nothing(rng):
    assert largest_fall_db([np.zeros(RATE), np.zeros(10), played(rng)[: 3 * RATE]], RATE) is None
    steady = np.sin(2 * np.pi * 220 * np.arange(5 * RATE) / RATE)
    assert largest_fall_db([steady], RATE) is None
