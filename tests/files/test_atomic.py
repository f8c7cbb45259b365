import errno
import os

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path


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
def test_a_full_disk_is_the_users_to_mend_whoever_says_so(tmp_path, code):
    for error in (OSError(code, os.strerror(code)), RuntimeError(f"x; {os.strerror(code)} [Op]")):
        (tmp_path / "a").write_text("before")
        with (
            pytest.raises(UserError, match=rf"/a: cannot be written \({os.strerror(code)}\)"),
            atomic_path(tmp_path / "a") as temporary,
        ):
            temporary.write_text("half")
            raise error
        assert [entry.read_text() for entry in tmp_path.iterdir()] == ["before"]
