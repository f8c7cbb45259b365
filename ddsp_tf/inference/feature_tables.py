"""Text tables of features or notes, as written by spreadsheets, Praat and Sonic Visualiser."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ddsp_tf.errors import UserError

# Cells that stand for "no pitch" or "no value".
_MISSING = frozenset(
    ("", "-", "?", "nan", "na", "n/a", "null", "none", "undefined", "--undefined--")
)
_SECONDS = {"time": 1.0, "time_s": 1.0, "time_sec": 1.0, "time_seconds": 1.0, "t": 1.0, "t_s": 1.0}
_MILLISECONDS = {"time_ms": 1e-3, "time_msec": 1e-3, "time_milliseconds": 1e-3, "t_ms": 1e-3}
_UNITS = {**_SECONDS, **_MILLISECONDS}
_SYNONYMS = {"f0": "f0_hz", "loudness": "loudness_db", "power": "power_db"}
_LARGEST_BYTES = 1 << 28
# Integer times further apart than this are milliseconds, if the column is only named "time".
_SPARSE_SECONDS = 1.0
_SPARSE_ROWS = 20


def read_table(
    path: Path, wanted: tuple[str, ...], units: Mapping[str, float] = _UNITS
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Reads columns of numbers from a text table.

    Separators may be commas, semicolons, tabs or spaces; the decimal mark a point or, unless commas
    separate, a comma. Names are compared without case and punctuation, so "F0 (Hz)" is f0_hz. Empty
    cells, "nan" and "--undefined--" become NaN. Lines that begin with # are ignored.

    Args:
        path: File with a header, whose first column is the time.
        wanted: Names of the columns to read; others are ignored.
        units: Seconds in a unit of the first column, by the names that it may have: `time_s` (or
            `time`) for seconds, `time_ms`, and others.

    Returns:
        Tuple of those wanted columns that are present, by name, and the times in seconds.

    Raises:
        UserError: If the file is not such a table. The message names the row and what is wrong.
    """
    lines = _lines(path)
    header_line = next(lines, (0, ""))[1]
    separator = _separator(header_line)
    header = _header(header_line)
    if not header or header[0] not in units:
        found = header_line.strip()[:60]
        raise UserError(
            f"{path}: the first line is {found!r}; expected a header whose first column is time_s "
            "or time_ms, such as time_s,f0_hz,loudness_db"
        )
    for name in (header[0], *wanted):
        if header.count(name) > 1:
            raise UserError(
                f"{path}: has {header.count(name)} columns {name}; expected one, so delete the rest"
            )
    places = {name: header.index(name) for name in wanted if name in header}
    times: list[float] = []
    columns: dict[str, list[float]] = {name: [] for name in places}
    for number, line in lines:
        cells = _cells(line, separator)
        if len(cells) != len(header):
            hint = " (numbers with decimal commas need another separator)" if "," in line else ""
            raise UserError(f"{path}: row {number} has {len(cells)} of {len(header)} columns{hint}")
        times.append(_number(path, number, header[0], cells[0]))
        for name, place in places.items():
            columns[name].append(_number(path, number, name, cells[place]))
    seconds = np.array(times) * units[header[0]]
    if header[0] in ("time", "t"):
        _check_unit(path, header[0], seconds)
    return {name: np.array(column) for name, column in columns.items()}, seconds


def first_column(path: Path) -> str:
    """Returns the name of a table's first column, such as "time_s"; "" if there is none.

    Args:
        path: File with a header.

    Returns:
        Name, in lower case and without punctuation.

    Raises:
        UserError: If the file is not text.
    """
    header = _header(next(_lines(path), (0, ""))[1])
    return header[0] if header else ""


def rate_of(path: Path, times: np.ndarray, evenly: bool) -> float:
    """Returns the frame rate of a table's rows, tolerating rounded times.

    Args:
        path: File, for messages.
        times: Times in seconds [rows].
        evenly: Whether to refuse rows that are not evenly spaced; otherwise their mean rate is
            used.

    Returns:
        Frames per second.

    Raises:
        UserError: If there are fewer than two rows, or their times do not increase.
    """
    if times.size < 2:
        raise UserError(f"{path}: found {times.size} frames; a CSV needs two to tell its rate")
    if not np.isfinite(times).all():
        row = int(np.argmin(np.isfinite(times)))
        raise UserError(f"{path}: frame {row} has no time; expected a number in the first column")
    if not np.all(np.diff(times) > 0):
        frame = int(np.argmin(np.diff(times) > 0)) + 1
        raise UserError(
            f"{path}: the times do not increase from row to row (frame {frame} is at "
            f"{times[frame]:g} s, after {times[frame - 1]:g} s); sort the rows, and keep one of "
            "each time"
        )
    if evenly and not are_even(times):
        raise UserError(
            f"{path}: the times are not evenly spaced; expected one frame rate, as in a file that "
            "`ddsp-tf features` wrote"
        )
    if times[0] < 0:
        raise UserError(f"{path}: the times begin at {times[0]:g} s; expected 0 or later")
    rate = (times.size - 1) / (times[-1] - times[0])
    return float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate


def are_even(times: np.ndarray) -> bool:
    """Tells whether times are evenly spaced within the precision of their digits."""
    step = (times[-1] - times[0]) / (times.size - 1)
    uneven = np.abs(times - times[0] - step * np.arange(times.size))
    return bool(step > 0 and np.max(uneven) < 0.25 * step)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the nonempty lines with their numbers."""
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise UserError(f"{path}: has {size} bytes; expected at most {_LARGEST_BYTES}")
        content = path.read_bytes()
        utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))  # "Unicode text" from spreadsheets.
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a feature file ({error}); expected CSV text") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip(" ,;\t") and not line.startswith("#") and not line.startswith("sep="):
            yield number, line


def _separator(header: str) -> str:
    """Returns the separator of the cells; a space stands for any number of them."""
    counts = {separator: header.count(separator) for separator in ("\t", ";", ",")}
    best = max(counts, key=lambda separator: counts[separator])
    if counts[best]:
        return best
    return "  " if re.search(r"\S {2,}\S", header) else " "


def _header(line: str) -> list[str]:
    return [_normalized(name) for name in _cells(line, _separator(line))]


def _cells(line: str, separator: str) -> list[str]:
    if separator in ("  ", " "):
        return re.split(r" {2,}" if separator == "  " else r" +", line.strip())
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [line]


def _normalized(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return _SYNONYMS.get(plain, plain)


def _number(path: Path, row: int, name: str, cell: str) -> float:
    text = cell.strip()
    if text.lower() in _MISSING:
        return float("nan")
    if "," in text and "." not in text:
        text = text.replace(",", ".", 1)
    try:
        return float(text)
    except ValueError as error:
        raise UserError(
            f"{path}: row {row}, {name} is {cell.strip()!r}; expected a number, or nothing where "
            "there is no pitch"
        ) from error


def _check_unit(path: Path, name: str, times: np.ndarray) -> None:
    if times.size < _SPARSE_ROWS or not np.array_equal(times, np.round(times)):
        return
    if (times[-1] - times[0]) / (times.size - 1) >= _SPARSE_SECONDS:
        raise UserError(
            f"{path}: the times in column {name!r} are whole numbers up to {times[-1]:g}; name it "
            "time_ms if they are milliseconds, time_s if they are seconds"
        )
