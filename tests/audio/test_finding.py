"""Which files in a folder are recordings, and that none is skipped silently."""

import json
import os
import sys

import pytest

from ddsp_tf.audio import finding
from ddsp_tf.audio.finding import find_audio
from ddsp_tf.errors import UserError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_files_are_found_below_folders(tmp_path):
    touch(tmp_path, "b/two.FLAC", "a.wav", "b/c/three.mp3", "b/._two.flac", ".cache/x.wav", "n.txt")
    found = find_audio([tmp_path, tmp_path / "a.wav", tmp_path / "n.txt"])
    assert names(found.audio, tmp_path) == ["a.wav", "b/c/three.mp3", "b/two.FLAC", "n.txt"]
    assert found.notes() == []
    assert find_audio(str(tmp_path / "a.wav")).audio == [tmp_path / "a.wav"]


def test_nothing_found_is_an_error_that_says_why(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"no recording in this folder; expected \.wav"):
        find_audio([tmp_path])
    with pytest.raises(UserError, match="no such file or folder"):
        find_audio([tmp_path / "absent"])
    with pytest.raises(UserError, match="no audio given"):
        find_audio([])
    touch(tmp_path, "take.m4a")
    monkeypatch.setattr(finding, "media_reader_installed", lambda: False)
    with pytest.raises(
        UserError, match=r"1 file is not read \(take\.m4a\); pip install ddsp-tf\[m"
    ):
        find_audio(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("dataset.json", "dataset"), ("run.json", "run"), ("model.json", "exported model")],
)
def test_a_result_is_no_folder_of_recordings(name, kind, tmp_path):
    touch(tmp_path, "renders/step_000006/clip_0/target.wav")
    (tmp_path / name).write_text('{"schema_version": 1}')
    with pytest.raises(UserError, match=f"is a {kind} that ddsp-tf wrote; expected recordings"):
        find_audio(tmp_path)


def test_media_files_are_read_if_pyav_is_there_and_counted_if_not(tmp_path, monkeypatch):
    touch(tmp_path, *(f"{number}.m4a" for number in range(9)), "film.MP4", "good.wav", "old.amr")
    monkeypatch.setattr(finding, "media_reader_installed", lambda: True)
    found = find_audio(tmp_path)
    assert len(found.audio) == 11
    assert found.notes() == ["1 file is not read (old.amr); convert them to .wav or .flac"]
    monkeypatch.setattr(finding, "media_reader_installed", lambda: False)
    found = find_audio(tmp_path)
    assert names(found.audio, tmp_path) == ["good.wav"]
    assert found.notes()[0] == (
        "10 files are not read (0.m4a, 1.m4a, 2.m4a and 7 more); pip install ddsp-tf[media]"
    )


def test_folders_of_results_are_not_searched(tmp_path):
    touch(tmp_path, "a.wav", "set/x.wav", "run/renders/x.wav", "export/x.wav", "cut/x.wav")
    touch(tmp_path, "theirs/x.wav", "out/x.wav", ".out.preparing/x.wav", "web/x.wav")
    for name in ("set/dataset.json", "run/run.json", "export/model.json"):
        (tmp_path / name).write_text(json.dumps({"schema_version": 1}))
    (tmp_path / "cut" / "run.json").write_text("{")
    (tmp_path / "theirs" / "dataset.json").write_text(json.dumps({"name": "mine"}))
    (tmp_path / "web" / "model.json").write_text(json.dumps({"modelTopology": {}}))
    found = find_audio(tmp_path, out=tmp_path / "out")
    assert names(found.audio, tmp_path) == ["a.wav", "theirs/x.wav", "web/x.wav"]
    assert found.notes() == [
        "5 folders of ddsp-tf's own results (cut, export, out and 2 more) are not searched for "
        "recordings"
    ]
    # What is named is searched.
    renders = tmp_path / "run" / "renders"
    assert find_audio(renders).audio == [renders / "x.wav"]
    assert find_audio(tmp_path / "out", out=tmp_path / "out").audio == [tmp_path / "out" / "x.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_to_folders_are_followed_once(tmp_path):
    touch(tmp_path, "rec/deep/a.wav", "elsewhere/b.wav")
    (tmp_path / "rec" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "rec" / "link2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "rec" / "deep" / "up").symlink_to(tmp_path / "rec")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "rec" / "deep")
    found = find_audio(tmp_path / "rec")
    assert names(found.audio, tmp_path / "rec") == ["deep/a.wav", "link/b.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_any_name_can_be_printed(tmp_path):
    touch(tmp_path, "a.wav", os.fsdecode(b"\xff\n.amr"))
    (note,) = find_audio(tmp_path).notes()
    assert note == r"1 file is not read (\xff\n.amr); convert them to .wav or .flac"
