"""Audio files in, good and bad."""

import tracemalloc

import numpy as np
import pytest
import soundfile

from ddsp_tf.audio.decoding import AudioDecoder
from ddsp_tf.audio.reading import check_length, read_audio
from ddsp_tf.errors import UserError


def sine(seconds, sample_rate, hz=440.0):
    return 0.5 * np.sin(2 * np.pi * hz / sample_rate * np.arange(round(seconds * sample_rate)))


@pytest.mark.parametrize("file_rate", [8000, 11025, 16000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count_gives_the_same_sine(tmp_path, file_rate, channels):
    path = tmp_path / "sine.wav"
    soundfile.write(path, np.tile(sine(1.0, file_rate)[:, None], channels), file_rate, "FLOAT")
    audio = read_audio(path, 16000)
    assert audio.shape == (16000,)
    assert audio.dtype == np.float32
    # Away from the ends, where the resampler rings: neither late nor early, neither up nor down.
    np.testing.assert_allclose(audio[800:-800], sine(1.0, 16000)[800:-800], atol=2e-4)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_any_depth_has_the_same_scale(tmp_path, subtype):
    path = tmp_path / "sine.wav"
    soundfile.write(path, sine(0.1, 16000), 16000, subtype)
    np.testing.assert_allclose(read_audio(path, 16000), sine(0.1, 16000), atol=0.01)


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3", ".aiff", ".au", ".caf", ".w64"])
def test_other_formats_are_read(tmp_path, suffix):
    path = tmp_path / f"sine{suffix}"
    soundfile.write(path, sine(1.0, 16000), 16000)
    audio = read_audio(path, 16000)
    assert abs(audio.size - 16000) <= 2400
    assert np.abs(audio).max() == pytest.approx(0.5, abs=0.05)


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.25], (100, 1)), 16000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", 16000), 0.125)


def test_memory_stays_near_the_size_of_the_result(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros([48000 * 60, 2], np.int16), 48000)
    tracemalloc.start()
    audio = read_audio(path, 48000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert audio.size == 48000 * 60
    assert peak < 1.7 * audio.nbytes


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.full(1000, np.nan), r"NaN or infinite sample at 0\.000 s"),
        (np.r_[np.zeros(8000), np.inf], r"sample at 0\.500 s"),
        (np.full(1000, 20000.0), "up to 20000"),
        (np.zeros(0), "holds no audio"),
    ],
)
def test_bad_samples_are_refused(tmp_path, samples, message):
    path = tmp_path / "bad.wav"
    soundfile.write(path, samples, 16000, "FLOAT")
    with pytest.raises(UserError, match=rf"bad\.wav.*{message}"):
        read_audio(path, 16000)


def test_too_short_recordings_are_refused():
    with pytest.raises(UserError, match=r"a\.wav.*lasts 0\.0625 s; expected at least 0\.5 s"):
        check_length("a.wav", 1000, 16000, 0.5)


@pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text.raw", "text.m4a"])
def test_files_that_are_no_audio_are_refused(tmp_path, name):
    (tmp_path / name).write_text("this is a shopping list, not music\n" * 100)
    with pytest.raises(UserError, match=rf"{name}: cannot be read as audio"):
        read_audio(tmp_path / name, 16000)


def test_missing_empty_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_audio(tmp_path / "absent.wav", 16000)
    (tmp_path / "empty.wav").touch()
    with pytest.raises(UserError, match="the file is empty"):
        read_audio(tmp_path / "empty.wav", 16000)
    with pytest.raises(UserError, match="is a folder"):
        read_audio(tmp_path, 16000)
    soundfile.write(tmp_path / "cut.flac", sine(2.0, 16000), 16000)
    content = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"cut\.flac: cannot be read"):
        read_audio(tmp_path / "cut.flac", 16000)


@pytest.mark.parametrize(("channel", "level"), [("left", 0.5), ("right", -0.25), ("mean", 0.125)])
def test_a_channel_can_be_chosen(tmp_path, channel, level):
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.25], (100, 1)), 16000)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", 16000, channel=channel), level)
    soundfile.write(tmp_path / "mono.wav", np.full(100, 0.5), 16000)
    np.testing.assert_allclose(read_audio(tmp_path / "mono.wav", 16000, channel=channel), 0.5)
    with pytest.raises(UserError, match="channel 'both': unknown; expected mean, left, right"):
        AudioDecoder(tmp_path / "a.wav", 16000, "both")


def test_a_channel_alone_is_not_cancelled(tmp_path):
    sound = sine(1.0, 16000)
    soundfile.write(tmp_path / "a.wav", np.stack([sound, -sound], 1), 16000, "FLOAT")
    with pytest.raises(UserError, match=r"cancel each other.* use one of them: --channel left"):
        read_audio(tmp_path / "a.wav", 16000)
    audio = read_audio(tmp_path / "a.wav", 16000, channel="right")
    np.testing.assert_allclose(audio, -sound, atol=1e-6)


@pytest.mark.parametrize("hz", [40.0, 441.0, 3000.0])
def test_floats_above_full_scale_are_not_clipped_unless_they_are_flat(tmp_path, hz):
    sound = 3.0 * sine(2.0, 48000, hz)
    for name, samples, expected in (
        ("loud", sound, 0.0),
        ("flat", np.clip(sound, -1.2, 1.2), np.mean(np.abs(sound) >= 1.2)),
    ):
        soundfile.write(tmp_path / f"{name}.wav", samples, 48000, "FLOAT")
        decoder = AudioDecoder(tmp_path / f"{name}.wav", 16000)
        list(decoder.blocks())
        assert decoder.clipped_share == pytest.approx(expected, abs=0.02)
        assert decoder.channel_peak == pytest.approx(np.abs(samples).max(), rel=1e-6)


@pytest.mark.parametrize("rate", [0, -1, 999, 1.5, float("nan"), "16000", None, True, 10**9])
def test_impossible_rates_are_refused(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    with pytest.raises(UserError, match=r"sample_rate is .*; expected a whole number of Hz from"):
        read_audio(tmp_path / "a.wav", rate)
