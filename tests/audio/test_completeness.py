"""Whole recordings are read, and what was cut off is refused, in every container."""

import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from audio_formats import MEDIA, RATE, SOUNDFILE, tone

from ddsp_tf.audio.completeness import check_complete
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.errors import UserError

REFUSED = "cut off|damaged|cannot be read as audio|holds no audio"


@pytest.mark.parametrize("suffix", [*SOUNDFILE, *MEDIA])
def test_a_recording_is_whole_or_refused(tmp_path, write, suffix):
    path = tmp_path / f"take{suffix}"
    sound = tone()
    write(path, sound)
    audio = read_audio(path, RATE)
    assert abs(audio.size - len(sound)) <= 4800
    assert np.std(audio) == pytest.approx(np.std(sound), rel=0.06)
    content = path.read_bytes()
    for share in (0.98, 0.9, 0.5, 0.501, 0.1):
        path.write_bytes(content[: round(share * len(content))])
        with pytest.raises(UserError, match=rf"take\{suffix}: .*({REFUSED})"):
            read_audio(path, RATE)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".webm", {"live": "1"}),
        (".mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        (".mp4", {"movflags": "faststart"}),
    ],
)
def test_recordings_of_browsers_claim_no_length(tmp_path, write, suffix, options):
    path = tmp_path / f"live{suffix}"
    write(path, tone(), options)
    assert abs(read_audio(path, RATE).size - 3 * RATE) <= 4800
    content = path.read_bytes()
    for share in (0.9, 0.503):
        path.write_bytes(content[: round(share * len(content))])
        with pytest.raises(UserError, match=REFUSED):
            read_audio(path, RATE)


def test_a_header_that_was_never_finished_is_accepted(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert read_audio(path, RATE).size == 3 * RATE


def flac_of_2_to_36_samples(path):
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    # STREAMINFO: the 36 bits of the length end 16 bytes before its end.
    content[21] |= 0x0F
    content[22:26] = b"\xff" * 4
    path.write_bytes(content)


def mp3_that_lies(path):
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    place = max(content.find(b"Xing"), content.find(b"Info"))
    assert place > 0
    content[place + 4 : place + 16] = struct.pack(">III", 1, 0x7FFFFFFF, 0)
    path.write_bytes(content)


def wav_of_an_impossible_rate(path):
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", 1)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("long.flac", flac_of_2_to_36_samples, "damaged|cannot be read"),
        ("long.mp3", mp3_that_lies, "damaged|cannot be read"),
        ("slow.wav", wav_of_an_impossible_rate, "sample rate of 1 Hz; expected"),
    ],
)
def test_no_number_in_a_file_decides_about_memory(tmp_path, name, write, message):
    write(tmp_path / name)
    tracemalloc.start()
    with pytest.raises(UserError, match=message):
        read_audio(tmp_path / name, RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.parametrize("suffix", [*SOUNDFILE, *MEDIA])
def test_damage_never_ends_in_a_traceback(tmp_path, write, rng, suffix):
    path = tmp_path / f"take{suffix}"
    write(path, tone(0.6))
    whole = path.read_bytes()
    for _ in range(20):
        content = bytearray(whole)
        # Headers are at the beginning, in MP4 files at the end.
        for place in rng.choice([*range(200), *range(len(whole) - 200, len(whole))], 4):
            content[place] = rng.integers(256)
        path.write_bytes(content[: rng.integers(len(whole) // 2, len(whole) + 1)])
        try:
            audio = read_audio(path, 16000)
        except UserError as error:
            assert path.name in str(error) and "\n" not in str(error)
        else:
            assert np.isfinite(audio).all() and audio.size < 10 * 16000


def test_what_is_no_container_is_left_to_the_decoder(tmp_path):
    (tmp_path / "text.wav").write_text("a shopping list")
    assert check_complete(tmp_path / "text.wav") == ""
