"""Finding gin files, and the rules for including them."""

import os
from pathlib import Path

from ddsp_tf.errors import UserError

# The shipped files have a few hundred bytes.
_LARGEST_BYTES = 1 << 20


def shipped_folder() -> Path:
    """Returns the folder of the gin files that come with the package."""
    package = Path(__file__).parents[1]
    installed = package / "shipped_configurations"
    return installed if installed.is_dir() else package.parent / "gin"


def shipped_names() -> list[str]:
    """Returns the names of the shipped gin files.

    Example:
        >>> shipped_names()
        ['autoencoder', 'demo', 'ensemble', 'fast', 'fast_48k', 'fast_dry', 'solo_instrument',
         'solo_instrument_32k', 'solo_instrument_44k', 'solo_instrument_48k', 'vst']
    """
    return sorted(path.stem for path in shipped_folder().rglob("*.gin"))


def find_configuration(name: str | os.PathLike) -> Path:
    """Finds a gin file by its path, or a shipped file by its name.

    Args:
        name: Path of a file, or a name such as "demo" or "models/vst".

    Returns:
        Path of the file.

    Raises:
        UserError: If there is no such file.

    Example:
        >>> find_configuration("vst").name
        'vst.gin'
    """
    if not isinstance(name, (str, os.PathLike)):
        raise UserError(f"configuration {name!r}; expected the path of a gin file, or a name")
    path, name = Path(name), os.fspath(name)
    if "\0" not in name and path.is_file():
        return path
    for shipped in sorted(shipped_folder().rglob("*.gin")):
        relative = shipped.relative_to(shipped_folder()).with_suffix("")
        if name.removesuffix(".gin") in (shipped.stem, relative.as_posix()):
            return shipped
    raise UserError(
        f"{name}: no such configuration; expected a gin file or one of {', '.join(shipped_names())}"
    )


def find_included(name: str, including: Path) -> Path:
    """Finds the file that an include line names.

    Args:
        name: Path in the include line.
        including: File that contains the include line.

    Returns:
        Path of a file in or below the folder of `including`, or of a shipped file.

    Raises:
        UserError: If there is no such file, or it is outside both folders.
    """
    for folder in (including.parent, shipped_folder()):
        path = folder / name
        if "\0" in name or not path.is_file():
            continue
        if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
            return path
        raise UserError(
            f"{including}: includes {name!r}, which is outside of its folder; expected a file "
            "beside it or a shipped one"
        )
    raise UserError(f"{including}: includes {name!r}, which is neither beside it nor shipped")


def read_configuration(path: Path) -> str:
    """Reads a gin file.

    Args:
        path: File to read.

    Returns:
        Text of the file.

    Raises:
        UserError: If it cannot be read, is larger than 1 MiB, or is not UTF-8 text.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise UserError(f"{path}: has {size} bytes; expected a gin file of at most 1 MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; expected a gin file") from error
    if "\0" in text:
        raise UserError(f"{path}: holds zero bytes; expected a gin file")
    return text
