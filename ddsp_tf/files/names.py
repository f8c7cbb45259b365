"""File names: checks of what they name, and text that is safe to show and to store."""

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ddsp_tf.errors import UserError

# Control and format characters, halves of surrogate pairs, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def printable(name: object) -> str:
    r"""Escapes the characters of a file name that a terminal, page or JSON file cannot show.

    Python reads bytes of a name that are not UTF-8 as surrogates, which no encoder accepts. They
    become `\xff`, control characters such as line breaks become `\n`, and characters that reverse
    the direction of text become `\u202e`.

    Args:
        name: Name, path or message.

    Returns:
        One line of text that every Unicode encoding accepts.

    Example:
        >>> print(printable("take\n1\udcff.wav"))
        take\n1\xff.wav
    """
    return "".join(
        _escaped(character) if unicodedata.category(character) in _UNPRINTABLE else character
        for character in str(name)
    )


def check_suffix(path: str | os.PathLike, suffixes: Sequence[str]) -> Path:
    """Checks that a file name ends as one of several kinds of file does.

    Args:
        path: File to read or write.
        suffixes: Two or more suffixes in lower case, such as ".npz"; upper case passes, too.

    Returns:
        The path.

    Raises:
        UserError: If it has another suffix.

    Example:
        >>> check_suffix("take1.NPZ", [".npz", ".csv"]).name
        'take1.NPZ'
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        expected = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise UserError(f"{path}: found the suffix {path.suffix!r}; expected {expected}")
    return path


def check_is_file(path: str | os.PathLike, expected: str) -> Path:
    """Checks that a path names a file.

    Args:
        path: File to read.
        expected: Description of the file for the message, such as "a MIDI file".

    Returns:
        The path.

    Raises:
        UserError: If it names nothing, or something else than a file.

    Example:
        >>> check_is_file("nowhere.mid", "a MIDI file")
        Traceback (most recent call last):
        ddsp_tf.errors.UserError: nowhere.mid: no such file; expected a MIDI file
    """
    path = Path(path)
    if not path.is_file():
        other = "is a folder" if path.is_dir() else "is not a regular file"
        found = other if path.exists() else "no such file"
        raise UserError(f"{path}: {found}; expected {expected}")
    return path


def native_name(path: str | os.PathLike) -> bytes | str:
    """Returns a path in the form for C libraries, which need not be UTF-8.

    Args:
        path: File.

    Returns:
        Bytes; text on Windows.

    Example:
        >>> native_name("take1.wav") in (b"take1.wav", "take1.wav")
        True
    """
    return os.fsencode(path) if os.name == "posix" else os.fspath(path)


def reason_without_name(error: Exception, path: str | os.PathLike) -> str:
    """Returns a message about a file without the file's name, as one printable line.

    Args:
        error: Error whose message begins with the name.
        path: File.

    Returns:
        Rest of the message.

    Example:
        >>> reason_without_name(ValueError("take.wav: empty"), "take.wav")
        'empty'
    """
    return printable(str(error).removeprefix(f"{os.fspath(path)}: "))


def below_here(text: object) -> str:
    """Shortens paths below the working folder to relative ones.

    Args:
        text: Path or message.

    Returns:
        Path or message with relative paths.

    Example:
        >>> below_here(f"{os.getcwd()}/take.wav: empty")
        'take.wav: empty'
    """
    try:
        here = os.getcwd()
    except OSError:  # It was deleted.
        return str(text)
    if not here.strip(os.sep):
        return str(text)
    # The folder may be part of another path, such as /mnt/data/take.wav for /data.
    return re.sub(rf"(?<![^\s'\"(=]){re.escape(here + os.sep)}", "", str(text))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def spreadsheet_text(name: object) -> str:
    """Returns a name as a CSV cell that no spreadsheet takes for a formula.

    Args:
        name: Name, path or message.

    Returns:
        Printable name, after an apostrophe if it begins like a formula.

    Example:
        >>> spreadsheet_text("=1+2.wav"), spreadsheet_text("take1.wav")
        ("'=1+2.wav", 'take1.wav')
    """
    text = printable(name)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
