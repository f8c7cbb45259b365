"""Checksums of files."""

import hashlib
import os

from ddsp_tf.errors import UserError


def file_sha256(path: str | os.PathLike) -> str:
    """Computes the SHA-256 of a file.

    Args:
        path: File.

    Returns:
        64 hexadecimal digits.

    Raises:
        UserError: If the file cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> file_sha256(path)[:16]
        'e3b0c44298fc1c14'
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"{path}: is not a regular file")
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
