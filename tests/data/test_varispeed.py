"""Clips at another speed: the sound resampled, and features that describe it."""

import numpy as np
import pytest
import soxr
import tensorflow as tf

from ddsp_tf.data.varispeed import Varispeed
from ddsp_tf.features.loudness import loudness_db, power_db

RATE = 16000


def clip(audio, hop, frames):
    audio = audio[: frames * hop].astype(np.float32)
    ramp = np.linspace(100.0, 300.0, frames).astype(np.float32)
    made = {
        "audio": audio,
        "f0_hz": ramp,
        "f0_confidence": ramp / 300.0,
        "loudness_db": np.zeros(frames, np.float32),
        "power_db": power_db(audio, hop),
        "start_frame": np.int64(1000),
    }
    return {name: tf.constant(value) for name, value in made.items()}


@pytest.mark.parametrize(("hop", "clip_frames"), [(64, 300), (160, 70), (147, 33)])
@pytest.mark.parametrize("position", [-1.0, -0.31, 0.0, 1.0])
def test_sound_and_features(hop, clip_frames, position):
    speed = Varispeed(2.0, clip_frames=clip_frames, hop=hop, sample_rate=RATE)
    frames = speed.cut_frames
    time = np.arange(frames * hop) / RATE

    def sound(seconds):
        wobble = 1.0 + 0.5 * np.sin(2 * np.pi * 3 * seconds)
        return wobble * (0.3 * np.sin(2 * np.pi * 440 * seconds) + 0.1 * np.sin(9000 * seconds))

    played = speed.play(clip(sound(time), hop, frames), tf.constant(position))
    played = {name: value.numpy() for name, value in played.items()}
    samples = speed.frames * hop
    ratio = 16 * round(2 ** (2.0 * position / 12) * samples / 16) / samples
    places = ratio * (speed.margin + np.arange(clip_frames))
    assert played["start_frame"] == 1000 + int(places[0])
    np.testing.assert_allclose(
        played["f0_hz"], ratio * (100 + 200 * places / (frames - 1)), rtol=1e-5
    )
    np.testing.assert_allclose(played["f0_confidence"] * 300 * ratio, played["f0_hz"], rtol=1e-5)
    whole = sound(ratio * np.arange(samples) / RATE)
    inside = slice(speed.margin * hop, (speed.margin + clip_frames) * hop)
    np.testing.assert_allclose(played["audio"], whole[inside], atol=1e-3)
    inside = slice(speed.margin, speed.margin + clip_frames)
    np.testing.assert_allclose(
        played["loudness_db"], loudness_db(whole, RATE, hop)[inside], atol=0.02
    )
    np.testing.assert_allclose(played["power_db"], power_db(whole, hop)[inside], atol=0.02)


def test_noise_sounds_as_from_a_resampling_library():
    speed = Varispeed(1.0, clip_frames=200, hop=64, sample_rate=RATE)
    noise = np.random.default_rng(0).normal(size=speed.cut_frames * 64)
    # Nothing near Nyquist, where the library's filter is not steep enough to be compared.
    spectrum = np.fft.rfft(noise)
    spectrum[int(0.85 * spectrum.size) :] = 0.0
    noise = np.fft.irfft(spectrum, noise.size)
    for position in (-1.0, 0.6):
        played = speed.play(clip(noise, 64, speed.cut_frames), tf.constant(position))
        samples = speed.frames * 64
        taken = 16 * round(2 ** (position / 12) * samples / 16)
        wanted = soxr.resample(noise[:taken], taken, samples, quality="VHQ")
        wanted = wanted[speed.margin * 64 :][: 200 * 64]
        error = played["audio"].numpy() - wanted
        assert 10 * np.log10(np.mean(wanted**2) / np.mean(error**2)) > 60


def test_what_would_lie_above_nyquist_is_gone():
    speed = Varispeed(1.0, clip_frames=200, hop=64, sample_rate=RATE)
    tone = np.sin(2 * np.pi * 7900 * np.arange(speed.cut_frames * 64) / RATE)
    made = clip(tone, 64, speed.cut_frames)
    for position, level in ((1.0, 0.0), (-1.0, 0.5)):
        power = np.mean(np.square(speed.play(made, tf.constant(position))["audio"].numpy()))
        assert power == pytest.approx(level, abs=1e-3)


@pytest.mark.parametrize("semitones", [0.0, -1.0, 12.5])
def test_speeds_out_of_range(semitones):
    with pytest.raises(ValueError, match=f"semitones={semitones}"):
        Varispeed(semitones, clip_frames=10, hop=64, sample_rate=RATE)


def test_batches_describe_what_is_heard(short_and_long, joined):
    batch = joined(short_and_long, 30, varispeed=1.0)
    assert batch["audio"].shape == (240, 50 * 320) and batch["f0_hz"].shape == (240, 50)
    # The tracker of these tests gives frame k a pitch of 100 + k Hz.
    long = batch["source"] == b"a.wav"
    speed = np.diff(batch["f0_hz"][long], axis=1)[:, 0] ** 0.5
    semitones = 12 * np.log2(speed)
    assert semitones.min() < -0.9 and semitones.max() > 0.9 and np.abs(semitones).max() <= 1.01
    assert abs(semitones.mean()) < 0.1
    first = batch["f0_hz"][long, 0] / speed - 100
    np.testing.assert_allclose(first, batch["start_frame"][long], atol=1.01)
    for audio, levels in zip(batch["audio"][long], batch["loudness_db"][long], strict=True):
        measured = loudness_db(audio, RATE, 320, short_and_long.extractor["loudness_fft_size"])
        np.testing.assert_allclose(levels[3:-3], measured[3:-3], atol=0.01)


def test_a_speed_depends_on_seed_and_number_alone(short_and_long, joined):
    whole = joined(short_and_long, 12, varispeed=1.0, gain_db=3.0)
    later = joined(short_and_long, 4, varispeed=1.0, gain_db=3.0, first_step=8)
    np.testing.assert_array_equal(later["audio"], whole["audio"][64:])
    other = joined(short_and_long, 1, varispeed=1.0, gain_db=3.0, first_step=1)
    assert np.all(other["f0_hz"][:, 0] != whole["f0_hz"][:8, 0])
