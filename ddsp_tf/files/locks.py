"""Locks, so that only one process at a time works in a folder."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from ddsp_tf.errors import UserError


@contextmanager
def locked(folder: str | os.PathLike, work: str) -> Iterator[None]:
    """Keeps other processes out of a folder while the block runs.

    The system releases the lock of a process that was killed. Lock files are in the system's folder
    for temporary files, so none is left in the user's folder; the lock does not stop processes on
    other machines that share the disk. A process may lock a folder that it has locked already.

    Args:
        folder: Folder to lock, which need not exist.
        work: Name of the work, such as "training", for the message to other processes.

    Raises:
        UserError: If another process has locked the folder. The message names that process.

    Example:
        >>> with locked("my_run", "training"):
        ...     pass
    """
    path = _lock_file(folder)
    # A singleton counts how often this process has locked the folder.
    lock = filelock.FileLock(path, blocking=False, is_singleton=True)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise UserError(
            f"{folder}: {_holder(path)} is working in it; wait for it, stop it, or name another "
            "folder"
        ) from None
    holder = path.with_suffix(".json")
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "work": work}), encoding="utf-8")
        yield
    finally:
        if lock.lock_counter == 1:
            holder.unlink(missing_ok=True)
        lock.release()


def _lock_file(folder: str | os.PathLike) -> Path:
    # The environment may name another user. On Windows, the folder is the user's own.
    user = os.getuid() if hasattr(os, "getuid") else ""
    place = Path(tempfile.gettempdir(), f"ddsp_tf_locks_{user}")
    place.mkdir(mode=0o700, exist_ok=True)
    name = os.path.realpath(folder)
    if sys.platform == "win32":
        name = name.lower()
    return place / f"{hashlib.sha256(os.fsencode(name)).hexdigest()}.lock"


def _holder(path: Path) -> str:
    try:
        content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return f"process {content['pid']} ({content['work']})"
    except (OSError, ValueError, KeyError):
        return "another process"
