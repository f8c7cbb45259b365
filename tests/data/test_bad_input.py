"""Files that go wrong: each is skipped with a reason, and the good ones beside it are used."""

import os

import numpy as np
import pytest
import soundfile

from ddsp_tf.audio import staging
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.files.names import printable

TONE = 0.5 * np.sin(2 * np.pi * 440 / 16000 * np.arange(32000)).astype(np.float32)


def truncated(share):
    def write(path):
        soundfile.write(path, TONE, 16000)
        content = path.read_bytes()
        path.write_bytes(content[: round(share * len(content))])

    return write


def with_value(value):
    def write(path):
        sound = TONE.copy()
        sound[16000] = value
        soundfile.write(path, sound, 16000, "FLOAT")

    return write


BAD = {
    "empty.wav": (lambda path: path.touch(), "the file is empty"),
    "one sample.wav": (lambda path: soundfile.write(path, TONE[:1], 16000), "lasts 6.25e-05 s"),
    "no samples.wav": (lambda path: soundfile.write(path, TONE[:0], 16000), "holds no audio"),
    "short.wav": (lambda path: soundfile.write(path, TONE[:7999], 16000), "lasts 0.5 s"),
    "nan.wav": (with_value(np.nan), "NaN or infinite sample at 1.000 s"),
    "inf.wav": (with_value(-np.inf), "NaN or infinite sample at 1.000 s"),
    "header.wav": (truncated(0.0004), "cannot be read as audio"),
    "header.flac": (truncated(0.001), "cannot be read as audio"),
    "half.wav": (truncated(0.5), "cut off: holds 32022 of 64044 bytes"),
    "half.flac": (truncated(0.5), "cannot be read as audio"),
    "text.wav": (lambda path: path.write_text("a shopping list\n" * 99), "cannot be read as audio"),
    "picture.mp3": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(999)), "cannot be"),
    "folder.wav": (lambda path: path.mkdir(), None),
    "pipe.wav": (lambda path: os.mkfifo(path), "is not a regular file"),
    "gone.wav": (lambda path: path.symlink_to(path.parent / "nowhere.wav"), "cannot be read"),
    "antiphase.wav": (
        lambda path: soundfile.write(path, np.stack([TONE, -TONE], 1), 16000),
        "its 2 channels cancel each other",
    ),
}
GOOD = {
    "wrong.mp3": lambda path: soundfile.write(path, TONE, 16000, format="WAV"),
    "wrong.wav": lambda path: soundfile.write(path, 0.9 * TONE, 16000, format="FLAC"),
    " with  spaces .wav": lambda path: soundfile.write(path, 0.8 * TONE, 16000),
    "-dash.wav": lambda path: soundfile.write(path, 0.7 * TONE, 16000),
    "--out.wav": lambda path: soundfile.write(path, 0.6 * TONE, 16000),
    "Größe 日本 🎷.wav": lambda path: soundfile.write(path, 0.5 * TONE, 16000),
    "line\nbreak.wav": lambda path: soundfile.write(path, 0.4 * TONE, 16000),
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    for name, write in GOOD.items():
        write(folder / name)
    return folder


def test_bad_files_among_good_ones_are_skipped_with_reasons(folder, tmp_path, extractor):
    for name, (write, _) in BAD.items():
        write(folder / name)
    made = prepare_dataset(folder, tmp_path / "d", extractor=extractor)
    assert {recording.source for recording in made.recordings} == {*map(printable, GOOD)}
    reasons = {file.source: file.reason for file in made.skipped}
    assert set(reasons) == {name for name, (_, reason) in BAD.items() if reason}
    for name, reason in reasons.items():
        assert BAD[name][1] in reason
        assert "\n" not in reason


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_alone_is_an_error_that_names_it(name, tmp_path, extractor):
    (tmp_path / "audio").mkdir()
    path = tmp_path / "audio" / name
    BAD[name][0](path)
    with pytest.raises(UserError, match=name.replace(".", r"\.")) as caught:
        prepare_dataset(path, tmp_path / "d", extractor=extractor)
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["audio"]


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_depths_and_channels(tmp_path, subtype, channels):
    soundfile.write(tmp_path / "a.wav", np.tile(TONE[:, None], channels), 16000, subtype)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", 16000), TONE, atol=0.01)


@pytest.mark.parametrize("rate", [4000, 8000, 22050, 88200, 192000])
def test_rates(tmp_path, extractor, rate):
    sound = 0.5 * np.sin(2 * np.pi * 440 / rate * np.arange(2 * rate))
    soundfile.write(tmp_path / "a.wav", sound, rate)
    made = prepare_dataset(tmp_path / "a.wav", tmp_path / "d", extractor=extractor)
    assert made.recordings[0].file_rate == rate
    assert made.recordings[0].seconds == 2.0
    np.testing.assert_allclose(
        read_audio(tmp_path / "a.wav", 16000)[800:-800], TONE[800:-800], atol=2e-3
    )


def test_unreadable_files_are_named(folder, tmp_path, extractor, monkeypatch):
    opened = open

    def locked(path, *arguments, **options):
        if str(path).endswith("-dash.wav"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", locked)
    with pytest.raises(UserError, match=r"-dash\.wav: cannot be read \(Permission denied\)"):
        read_audio(folder / "-dash.wav", 16000)
    made = prepare_dataset(folder, tmp_path / "d", extractor=extractor)
    assert [(file.source, file.reason) for file in made.skipped] == [
        ("-dash.wav", "cannot be read (Permission denied)")
    ]


def test_a_disk_that_fills_up_while_decoding_ends_in_one_line(
    folder, tmp_path, extractor, monkeypatch
):
    opened = open

    def full(path, *arguments, **options):
        if str(path).endswith(".staged") and len(list((tmp_path / ".d.preparing").iterdir())) > 3:
            raise OSError(28, "No space left on device")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(staging, "open", full, raising=False)
    with pytest.raises(UserError, match=r"d: cannot be written \(No space left on device\)"):
        prepare_dataset(folder, tmp_path / "d", extractor=extractor, jobs=1)
    assert not (tmp_path / "d").exists()
    monkeypatch.undo()
    made = prepare_dataset(folder, tmp_path / "d", extractor=extractor)
    assert len(made.recordings) == len(GOOD)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["audio", "d"]
