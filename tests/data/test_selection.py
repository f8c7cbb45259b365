"""Which recordings are taken and which are held out."""

import os
import sys

import pytest
from audio_formats import tone, write_media

from ddsp_tf.data import selection
from ddsp_tf.data.selection import choose_held_out, find_recordings
from ddsp_tf.errors import UserError

CONTENTS = [f"{number:064x}" for number in range(30)]


@pytest.mark.parametrize(
    ("count", "share", "held_out"),
    [(30, 0.1, 3), (30, 0, 0), (30, 1, 30), (2, 0.01, 1), (2, 0.99, 1), (10, 0.5, 5), (1, 1, 1)],
)
def test_share_is_kept_with_at_least_one_and_never_all(count, share, held_out):
    assert len(choose_held_out(CONTENTS[:count], share, seed=0)) == held_out


def test_choice_depends_on_seed_and_content_only():
    chosen = choose_held_out(CONTENTS, 0.3, seed=1)
    assert choose_held_out(CONTENTS[::-1], 0.3, seed=1) == chosen
    assert choose_held_out(CONTENTS, 0.3, seed=2) != chosen


def test_choice_hardly_changes_when_recordings_are_added():
    before = choose_held_out(CONTENTS[:20], 0.2, seed=0)
    after = choose_held_out(CONTENTS, 0.2, seed=0)
    assert len(before - after) <= 2


def test_sources_are_named_below_the_folder_they_share(record, tmp_path):
    first, second = record("train/a.wav", 1), record("val/deep/a.wav", 1, number=2)
    recordings, _ = find_recordings(first.parent, validation=[second])
    assert [(entry.source, entry.held_out) for entry in recordings] == [
        ("train/a.wav", False),
        ("val/deep/a.wav", True),
    ]


def test_the_second_file_of_the_same_content_is_skipped(record):
    record("a.wav", 1, number=5)
    path = record("b.wav", 1, number=5)
    (first, second), _ = find_recordings(path.parent)
    assert (first.status, second.status) == ("found", "skipped")
    assert second.reason == "same content as a.wav"


def test_content_in_both_lists_is_an_error_that_names_both(record):
    train, held_out = record("t/a.wav", 1, number=5), record("v/b.wav", 1, number=5)
    with pytest.raises(UserError, match=r"v/b\.wav.*same content.*t/a\.wav"):
        find_recordings(train.parent, held_out.parent)
    with pytest.raises(UserError, match="same content"):
        find_recordings(train, str(train))


def test_media_files_without_a_reader_are_skipped_until_there_is_one(tmp_path, monkeypatch):
    write_media(tmp_path / "take.m4a", "aac", tone(1.0))
    (with_reader,), _ = find_recordings(tmp_path / "take.m4a")
    monkeypatch.setattr(selection, "media_reader_installed", lambda: False)
    (without,), _ = find_recordings(tmp_path / "take.m4a")
    assert (with_reader.status, without.status) == ("found", "skipped")
    assert without.reason == "needs PyAV, which is not installed; pip install ddsp-tf[media]"
    assert without.sha256 != with_reader.sha256


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_names_that_look_alike_stay_apart(tmp_path):
    (tmp_path / os.fsdecode(b"a\xff.wav")).write_bytes(b"1")
    (tmp_path / r"a\xff.wav").write_bytes(b"2")
    recordings, _ = find_recordings(tmp_path)
    assert {entry.source for entry in recordings} == {r"a\xff.wav", r"a\xff.wav (2)"}
