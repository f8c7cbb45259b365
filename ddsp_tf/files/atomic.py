"""Files and folders that are either complete or absent, even after a kill or a power cut."""

import errno
import hashlib
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddsp_tf.errors import NoRoomError, UserError

_NO_ROOM = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT))
# Process numbers from other machines that share the disk have no meaning here.
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
_ABANDONED_AFTER_SECONDS = 24 * 3600
_LONGEST_NAME_BYTES = 180


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary sibling of `path`, renamed to `path` when the block succeeds.

    The block may create a file or a folder under the temporary name. If it raises, the temporary
    is removed and whatever was at `path` before is untouched. A folder at `path` is replaced as
    a whole: it is renamed aside, the new one is renamed to `path`, and the old one is removed.
    Leftovers of killed processes for the same `path` are cleaned up first, see `recover`.

    Args:
        path: Path of the result. Missing parent folders are created; if it is a symbolic link, its
            target is replaced.

    Yields:
        Temporary path in the same folder, with the same suffix.

    Raises:
        UserError: If the folder cannot be written.
        NoRoomError: If the disk fills up.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_path(folder / "note.txt") as temporary:
        ...     _ = temporary.write_text("done")
        >>> [entry.name for entry in folder.iterdir()]
        ['note.txt']
    """
    path = _target(path)
    temporary = _sibling(path, "partial")
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        _remove(temporary)
        probe = temporary.with_name(temporary.name + ".probe")
        probe.touch()
        probe.unlink()
    try:
        with _no_room_in_one_line(path):
            yield temporary
            with _named(path):
                _flush(temporary)
                _put_in_place(temporary, path)
    except BaseException:
        _remove(temporary)
        raise


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yields a folder for intermediate files, among the system's temporary files.

    Yields:
        Folder, which is removed when the block ends.

    Raises:
        NoRoomError: If the disk fills up.

    Example:
        >>> with temporary_folder() as folder:
        ...     _ = (folder / "note.txt").write_text("done")
        >>> folder.exists()
        False
    """
    place = Path(tempfile.gettempdir())
    with _no_room_in_one_line(place), tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def link_or_copy(source: Path, target: Path) -> None:
    """Gives a file a second name, or copies it if the file system has no links.

    Args:
        source: File.
        target: Second name.

    Raises:
        UserError: If the folder cannot be written.
        NoRoomError: If the disk fills up.
    """
    with atomic_path(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def recover(path: str | os.PathLike) -> None:
    """Cleans up what killed processes left next to a path.

    Unfinished results are removed. A folder that was renamed aside by a process that died before
    its successor was in place gets its name back. Leftovers of running processes stay; those of
    other machines stay for a day.

    Args:
        path: Target of an earlier `atomic_path`.

    Example:
        >>> recover("my_export")
    """
    path = _target(path)
    pattern = re.compile(
        rf"\.{re.escape(_stem(path))}\.([0-9a-f]{{6}})-(\d+)\.(partial|replaced)"
        rf"{re.escape(path.suffix)}(\.probe)?"
    )
    if not path.parent.is_dir():
        return
    for entry in sorted(path.parent.iterdir()):
        found = pattern.fullmatch(entry.name)
        if found is None or not _is_abandoned(entry, found[1], int(found[2])):
            continue
        if found[3] == "replaced" and not path.exists():
            os.replace(entry, path)
        else:
            _remove(entry)


def _put_in_place(temporary: Path, path: Path) -> None:
    if not (path.is_dir() and temporary.is_dir()):
        os.replace(temporary, path)
        _flush(path.parent, deep=False)
        return
    aside = _sibling(path, "replaced")
    os.replace(path, aside)
    try:
        os.replace(temporary, path)
    except BaseException:
        os.replace(aside, path)
        raise
    _flush(path.parent, deep=False)
    # A partly removed folder must never look like one to restore.
    os.replace(aside, temporary)
    _remove(temporary)


def _target(path: str | os.PathLike) -> Path:
    return Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)


def _stem(path: Path) -> str:
    name = os.fsencode(path.name)
    if len(name) <= _LONGEST_NAME_BYTES:
        return path.stem
    return hashlib.sha256(name).hexdigest()[:16]


def _sibling(path: Path, kind: str) -> Path:
    return path.with_name(f".{_stem(path)}.{_HOST}-{os.getpid()}.{kind}{path.suffix}")


def _is_abandoned(entry: Path, host: str, process: int) -> bool:
    if host == _HOST:
        return process == os.getpid() or not _is_running(process)
    paths = [entry, *entry.rglob("*")] if entry.is_dir() else [entry]
    newest = max(path.lstat().st_mtime for path in paths)
    return time.time() - newest > _ABANDONED_AFTER_SECONDS


def _is_running(process: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        # PROCESS_QUERY_LIMITED_INFORMATION; a signal 0 would end the process.
        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, process)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _flush(path: Path, deep: bool = True) -> None:
    """Makes the system write a file or a folder to the disk now."""
    if path.is_dir():
        if deep:
            for entry in path.rglob("*"):
                if entry.is_file():
                    _flush(entry)
        if sys.platform == "win32":
            return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _no_room_in_one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # TensorFlow, h5py and the system raise different exceptions with the same text.
        reason = next((reason for reason in _NO_ROOM if reason in str(error)), None)
        if reason and not isinstance(error, UserError):
            raise NoRoomError(path, reason) from error
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{path}: cannot be written ({reason}); choose another place") from error
