"""Audio files in and out, good and bad."""

import hashlib
import tracemalloc

import numpy as np
import pytest
import soundfile

from ddsp_tf.audio.files import file_sha256, find_audio_files, read_audio, write_audio
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
        (np.zeros(1000), r"lasts 0\.0625 s; expected at least 0\.5 s"),
    ],
)
def test_bad_samples_are_refused(tmp_path, samples, message):
    path = tmp_path / "bad.wav"
    soundfile.write(path, samples, 16000, "FLOAT")
    with pytest.raises(UserError, match=rf"bad\.wav.*{message}"):
        read_audio(path, 16000, minimum_seconds=0.5)


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


def test_files_are_found_below_folders(tmp_path):
    for name in ("b/two.FLAC", "a.wav", "b/c/three.mp3", "b/._two.flac", ".cache/x.wav", "n.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_audio_files([tmp_path, tmp_path / "a.wav", tmp_path / "n.txt"])
    names = [path.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["a.wav", "b/c/three.mp3", "b/two.FLAC", "n.txt"]
    assert find_audio_files(str(tmp_path / "a.wav")) == [tmp_path / "a.wav"]


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no audio file in this folder"):
        find_audio_files([tmp_path])
    with pytest.raises(UserError, match="no such file or folder"):
        find_audio_files([tmp_path / "absent"])
    with pytest.raises(UserError, match="no audio given"):
        find_audio_files([])


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff"])
def test_written_audio_comes_back(tmp_path, rng, suffix):
    audio = rng.uniform(-1, 1, 5000).astype(np.float32)
    path = tmp_path / f"out{suffix}"
    assert write_audio(path, audio, 22050) == 1.0
    assert soundfile.info(path).samplerate == 22050
    assert soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_allclose(read_audio(path, 22050), audio, atol=1.01 / 32768)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_loud_audio_is_turned_down_not_wrapped(tmp_path):
    audio = 4.0 * sine(0.1, 16000)
    gain = write_audio(tmp_path / "loud.wav", audio, 16000)
    assert gain == pytest.approx(0.5, rel=1e-2)
    np.testing.assert_allclose(read_audio(tmp_path / "loud.wav", 16000), gain * audio, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "audio", "message"),
    [
        ("a.wav", np.full(10, np.nan), "NaN"),
        ("a.wav", np.zeros(0), "shape"),
        ("a.wav", np.zeros([1, 2, 3]), "shape"),
        ("a.xyz", np.zeros(10), "suffix"),
        ("a", np.zeros(10), "suffix"),
    ],
)
def test_audio_that_cannot_be_written_leaves_nothing(tmp_path, name, audio, message):
    with pytest.raises(UserError, match=message):
        write_audio(tmp_path / name, audio, 16000)
    assert not list(tmp_path.iterdir())


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "x").write_bytes(content)
    assert file_sha256(tmp_path / "x") == hashlib.sha256(content).hexdigest()
    with pytest.raises(UserError, match="absent"):
        file_sha256(tmp_path / "absent")
