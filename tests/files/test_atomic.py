"""Results are complete or absent, whatever happens, and nothing is left over."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from ddsp_tf.errors import NoRoomError, UserError
from ddsp_tf.files import atomic
from ddsp_tf.files.atomic import atomic_path, recover, temporary_folder


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "deep" / "note.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("done")
        assert not path.exists() and temporary.suffix == ".txt"
    assert path.read_text() == "done"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_failure_leaves_what_was_there(kind, tmp_path):
    path = tmp_path / "result"
    if kind == "file":
        path.write_text("old")
    else:
        path.mkdir()
        (path / "old").write_text("")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        if kind == "file":
            temporary.write_text("half")
        else:
            temporary.mkdir()
            (temporary / "half").write_text("")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old" if kind == "file" else (path / "old").exists()


def test_a_folder_is_replaced(tmp_path):
    path = tmp_path / "result"
    path.mkdir()
    (path / "old").write_text("")
    with atomic_path(path) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("")
    assert [entry.name for entry in path.iterdir()] == ["new"]


def test_an_unwritable_place_is_named_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "inside", "/proc/nothing"):
        with pytest.raises(UserError, match=f"{path}: cannot be written"), atomic_path(path):
            raise AssertionError("not reached")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_a_user_error_whoever_reports_it(tmp_path, code):
    for error in (OSError(code, os.strerror(code)), RuntimeError(f"x; {os.strerror(code)} [Op]")):
        (tmp_path / "a").write_text("before")
        with (
            pytest.raises(UserError, match=rf"/a: cannot be written \({os.strerror(code)}\)"),
            atomic_path(tmp_path / "a") as temporary,
        ):
            temporary.write_text("half")
            raise error
        assert [entry.read_text() for entry in tmp_path.iterdir()] == ["before"]


def finished_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def write_folder(path, word):
    path.mkdir()
    (path / "deep").mkdir()
    (path / "deep" / "file").write_text(word)


def leftover(tmp_path, kind, process, host=atomic._HOST, suffix=""):
    return tmp_path / f".result.{host}-{process}.{kind}{suffix}"


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    dead, running = finished_process(), os.getppid()
    leftover(tmp_path, "partial", dead, suffix=".txt").write_text("half")
    leftover(tmp_path, "partial", dead, suffix=".txt.probe").write_text("")
    kept = [
        leftover(tmp_path, "partial", running, suffix=".txt"),
        leftover(tmp_path, "partial", dead, "0" * 6, suffix=".txt"),
        leftover(tmp_path, "partial", dead, suffix=".wav"),
        tmp_path / ".result.txt",
    ]
    for path in kept:
        path.write_text("")
    old = leftover(tmp_path, "partial", dead, "1" * 6, suffix=".txt")
    old.write_text("")
    os.utime(old, (0, 0))
    with atomic_path(tmp_path / "result.txt") as temporary:
        temporary.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "result.txt"])


def test_a_folder_set_aside_by_a_killed_process_gets_its_name_back(tmp_path):
    path = tmp_path / "result"
    write_folder(leftover(tmp_path, "replaced", finished_process()), "old")
    write_folder(leftover(tmp_path, "partial", finished_process()), "new")
    recover(path)
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "deep" / "file").read_text() == "old"
    write_folder(leftover(tmp_path, "replaced", finished_process()), "older")
    recover(path)
    assert list(tmp_path.iterdir()) == [path]
    assert (path / "deep" / "file").read_text() == "old"
    recover(tmp_path / "absent" / "result")


REPLACING = """
import sys
from pathlib import Path
from ddsp_tf.files.atomic import atomic_path
print(flush=True)
while True:
    for word in ("old", "new"):
        with atomic_path(sys.argv[1]) as temporary:
            temporary.mkdir()
            for number in range(50):
                (temporary / str(number)).write_text(word)
"""


def test_a_folder_is_whole_whenever_its_writer_is_killed(tmp_path, rng):
    path = tmp_path / "result"
    for _ in range(10):
        command = [sys.executable, "-c", REPLACING, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.02, 0.2))
            process.send_signal(signal.SIGKILL)
        recover(path)
        assert [entry.name for entry in tmp_path.iterdir()] in ([path.name], [])
        if path.exists():
            words = [entry.read_text() for entry in path.iterdir()]
            assert words in (["old"] * 50, ["new"] * 50)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_the_target_of_a_link_is_replaced_not_the_link(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with atomic_path(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_names_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("ä" * 125 + ".txt")
    for word in ("old", "new"):
        with atomic_path(path) as temporary:
            temporary.write_text(word)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "new"


def test_a_full_disk_of_temporary_files_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    named = pytest.raises(NoRoomError, match=rf"{tmp_path.name}: cannot be written")
    with named, temporary_folder() as folder:
        raise RuntimeError(f"{folder}/part; {os.strerror(errno.ENOSPC)} [Op:SaveV2]")
    assert not list(tmp_path.iterdir())
