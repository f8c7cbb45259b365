"""Audio files out, and back in."""

import os
import sys

import numpy as np
import pytest
import soundfile

from ddsp_tf.audio.reading import read_audio
from ddsp_tf.audio.writing import output_format, write_audio
from ddsp_tf.errors import UserError


def sine(seconds, sample_rate, hz=440.0):
    return 0.5 * np.sin(2 * np.pi * hz / sample_rate * np.arange(round(seconds * sample_rate)))


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
        ("a.wav", np.zeros([1, 16000]), r"a batch of shape \(1, 16000\).* one clip at a time"),
        ("a.wav", np.zeros(10, np.int16), "found int16 samples.* divided by 32768"),
        ("a.wav", np.zeros(10, bool), "found bool samples"),
        ("a.wav", [[0.1], [0.1, 0.2]], "not an array"),
        ("a.xyz", np.zeros(10), "suffix"),
        ("a.raw", np.zeros(10), "suffix"),
        ("a", np.zeros(10), "suffix"),
    ],
)
def test_audio_that_cannot_be_written_leaves_nothing(tmp_path, name, audio, message):
    with pytest.raises(UserError, match=message):
        write_audio(tmp_path / name, audio, 16000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [0, -1, 16000.5, float("nan"), 2**40, "16000", None])
def test_impossible_rates_are_refused(tmp_path, rate):
    with pytest.raises(UserError, match=r"a\.wav: sample_rate"):
        write_audio(tmp_path / "a.wav", np.zeros(10), rate)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("suffix", "kind", "rate"),
    [
        (".wav", "WAV", 16000),
        (".WAV", "WAV", 44100),
        (".flac", "FLAC", 48000),
        (".aif", "AIFF", 22050),
        (".opus", "OGG", 48000),
        (".oga", "OGG", 22050),
        (".mp3", "MP3", 16000),
        (".au", "AU", 8000),
    ],
)
def test_every_usual_suffix_is_written(tmp_path, suffix, kind, rate):
    path = tmp_path / f"a{suffix}"
    write_audio(path, sine(1.0, rate), rate)
    assert (soundfile.info(path).format, soundfile.info(path).samplerate) == (kind, rate)
    assert np.std(read_audio(path, rate)) == pytest.approx(0.354, abs=0.01)


@pytest.mark.parametrize(
    ("name", "rate", "subtype", "message"),
    [
        ("o.doc", 16000, None, r"'\.doc'; expected an audio format"),
        ("o", 16000, None, "''; expected"),
        ("o.raw", 16000, None, r"'\.raw'"),
        ("o.m4a", 16000, None, r"'\.m4a'"),
        ("o.flac", 16000, "FLOAT", "FLAC has no subtype FLOAT"),
        ("o.opus", 44100, None, r"\.opus files cannot have 44100 Hz"),
        ("o.mp3", 96000, None, r"\.mp3 files cannot have 96000 Hz"),
    ],
)
def test_impossible_formats_are_known_before_any_work(tmp_path, name, rate, subtype, message):
    with pytest.raises(UserError, match=message):
        output_format(name, rate, subtype)
    with pytest.raises(UserError, match=message):
        write_audio(tmp_path / name, sine(0.1, rate), rate, subtype)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_names_that_are_not_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b"na\xefve.wav")
    write_audio(path, sine(0.1, 16000), 16000)
    assert read_audio(path, 16000).size == 1600
