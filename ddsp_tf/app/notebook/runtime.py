"""Uploads and downloads of a notebook, on Colab and elsewhere."""

import importlib.util
import os
import shutil
from pathlib import Path

from ddsp_tf.app.notebook.archives import unused
from ddsp_tf.errors import UserError


def in_colab() -> bool:
    """Tells whether this is a Colab runtime.

    Example:
        >>> in_colab()
        False
    """
    try:
        return importlib.util.find_spec("google.colab") is not None
    except ModuleNotFoundError:
        return False


def upload(folder: str | os.PathLike) -> list[Path]:
    """Opens Colab's file dialog and keeps the chosen files in a folder.

    Args:
        folder: Folder for the files, created if absent. An existing file with the same name but
            other content is kept, and the new one gets a number.

    Returns:
        Paths of the files.

    Raises:
        UserError: If this is not Colab, or nothing was chosen.

    Example:
        >>> upload("recordings")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: upload: only Colab has a file dialog; give the path instead
    """
    if not in_colab():
        raise UserError("upload: only Colab has a file dialog; give the path instead")
    from google.colab import files

    chosen = files.upload()
    if not chosen:
        raise UserError("upload: no file was chosen; run the cell again")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in chosen.items():
        # Colab has also saved a copy with this name in the working folder.
        Path(name).unlink(missing_ok=True)
        path = folder / (Path(name).name.strip(" .") or "upload")
        if not (path.is_file() and path.read_bytes() == content):
            path = unused(path)
            path.write_bytes(content)
        paths.append(path)
    return paths


def download(path: str | os.PathLike, leave_out: tuple[str, ...] = ()) -> Path:
    """Downloads a file, or a folder as a zip archive; outside Colab prints its path.

    Args:
        path: File or folder.
        leave_out: Names of files and folders to leave out, at any depth.

    Returns:
        Path of the file.

    Raises:
        UserError: If there is nothing at the path.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: not found; run the cells above first")
    if path.is_dir():
        path = _zipped(path, leave_out)
    if in_colab():
        from google.colab import files

        files.download(str(path))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return path


def _zipped(folder: Path, leave_out: tuple[str, ...]) -> Path:
    """Creates `<folder>.zip` next to a folder; its paths begin with the folder's name."""
    import tempfile

    with tempfile.TemporaryDirectory() as work:
        chosen = Path(work) / folder.name
        shutil.copytree(folder, chosen, ignore=shutil.ignore_patterns(*leave_out))
        return Path(shutil.make_archive(str(folder), "zip", work, folder.name))
