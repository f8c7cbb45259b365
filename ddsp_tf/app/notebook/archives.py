"""Unpacking of archives from untrusted sources."""

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import printable

# Limits for a dozen runs with all their checkpoints.
_MOST_FILES = 10_000
_MOST_BYTES = 4 << 30


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks a zip archive into a new folder.

    Args:
        archive: Archive to unpack.
        folder: Folder in which the new one is created.

    Returns:
        New folder, named after the archive; with a number if that name exists already.

    Raises:
        UserError: If the archive is damaged, encrypted or too large, or contains links or paths
            that lead out of it. Nothing remains unpacked then.
    """
    target = unused(folder / (archive.stem.strip(" .") or "archive"))
    try:
        with zipfile.ZipFile(archive) as file:
            members = file.infolist()
            _check(archive, members)
            with atomic_path(target) as temporary:
                temporary.mkdir()
                for member in members:
                    file.extract(member, temporary)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # NotImplementedError, for an unknown compression, is a RuntimeError.
        raise UserError(
            f"{archive}: cannot be unpacked ({printable(error)}); make a new zip archive of it"
        ) from error
    return target


def unused(path: Path) -> Path:
    """Returns a path that does not exist: the given one, or one with a number.

    Example:
        >>> unused(Path("no_such_folder")).name
        'no_such_folder'
    """
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return free


def _check(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > _MOST_FILES or sum(member.file_size for member in members) > _MOST_BYTES:
        raise UserError(
            f"{archive}: unpacks to more than {_MOST_FILES} files or {_MOST_BYTES >> 30} GiB; "
            "expected a model; take other files out"
        )
    for member in members:
        name = printable(member.filename)
        if member.flag_bits & 1:
            raise UserError(f"{archive}: {name} is encrypted; make an archive without a password")
        if not name:
            raise UserError(f"{archive}: holds a file without a name; make a new archive of it")
        if _leads_out(member.filename):
            raise UserError(f"{archive}: {name} leads out of the archive; expected names below it")
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(f"{archive}: {name} is a link or a device; expected files and folders")


def _leads_out(name: str) -> bool:
    # zipfile itself would drop the parts that lead out, and so merge unrelated files.
    return any(
        path.is_absolute() or path.drive or path.root or ".." in path.parts
        for path in (PurePosixPath(name), PureWindowsPath(name))
    )
