"""Files and folders that are either complete or absent."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddsp_tf.errors import NoRoomError, UserError

_NO_ROOM = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary sibling of `path`, renamed to `path` when the block ends well.

    The block may create a file or a folder under the temporary name. After an exception the
    temporary is removed and whatever stood at `path` before is untouched.

    Args:
        path: Where the result shall stand. Missing parent folders are made.

    Yields:
        The temporary path, in the same folder and with the same suffix.

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
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    with _named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        probe = temporary.with_name(temporary.name + ".probe")
        probe.touch()
        probe.unlink()
    try:
        yield temporary
        if path.is_dir() and temporary.is_dir():
            _remove(path)
        with _named(path):
            os.replace(temporary, path)
    except BaseException as error:
        _remove(temporary)
        # TensorFlow, h5py and the system tell it by errors of their own kinds, in the same words.
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
