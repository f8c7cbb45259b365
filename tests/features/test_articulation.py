"""Attacks are found; beating and vibrato are not taken for attacks."""

import numpy as np

from ddsp_tf.features.articulation import articulation, spectral_flux_db

RATE = 100


def harmonics(seconds, hz=220.0, rate=16000):
    time = np.arange(round(seconds * rate)) / rate
    return sum(0.2 / k * np.sin(2.0 * np.pi * k * hz * time) for k in range(1, 12))


def test_flux_is_the_rise_of_the_bands():
    sound = harmonics(2.0)
    sound[:16000] *= 10.0 ** (-12.0 / 20.0)
    flux = spectral_flux_db(sound, 16000, RATE)
    assert len(flux) == 200
    # Bands that hold a harmonic rise by 12 dB, others in the splash of the step, too.
    assert 6.0 < flux[98:103].max() < 24.0 and flux[102] < 12.0
    assert flux[10:90].max() < 0.5 and flux[110:190].max() < 0.5


def test_chunks_join_without_a_seam(rng):
    sound = rng.normal(size=4200 * 40)
    flux = spectral_flux_db(sound, 4000, RATE)
    # Frames 4040 to 4140 lie on both sides of a chunk's border.
    part = spectral_flux_db(sound[4000 * 40 :], 4000, RATE)
    np.testing.assert_allclose(part[50:150], flux[4050:4150], atol=0.2)


def test_a_new_attack_with_sound_needs_a_smaller_rise():
    """Tonguing: the level dips by 12 dB for 30 ms, and all bands with it."""
    sound = harmonics(2.0)
    sound[16000 - 240 : 16000 + 240] *= 10.0 ** (-14.0 / 20.0)
    level = np.full(200, -20.0)
    level[98:102] = -34.0
    confidence = np.ones(200)
    confidence[98:102] = 0.6
    strength = articulation(level, confidence, RATE, sound, 16000)
    assert strength[95:106].max() > 1.0 and strength[5:90].max() < 0.1


def test_beats_and_vibrato_are_no_attacks():
    time = np.arange(300) / RATE
    level = -20.0 + 5.0 * np.sin(2.0 * np.pi * 6.0 * time)
    assert articulation(level, np.ones(300), RATE).max() < 1.0


def test_shorter_audio_counts_as_silence():
    strength = articulation(np.full(100, -20.0), np.ones(100), RATE, np.zeros(8000), 16000)
    assert strength.shape == (100,) and strength.max() == 0.0
