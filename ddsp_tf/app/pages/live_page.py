"""The live page: instruments that are played in a browser, from keys, a voice or a recording."""

import base64
import gzip
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddsp_tf.app.pages.templates import write_page
from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import printable
from ddsp_tf.version import __version__

# The files that `make page` builds from live/src; see live/build.mjs.
BUILT = Path(__file__).parent / "live" / "built"
RUNTIME = "litert.wasm.gz"
_INDEX = "index.html"
# In the head of every page, to distinguish our pages from others.
_MARK = '<meta name="generator" content="ddsp-tf play">'
# Names that `_stem` makes.
_MODEL_FILE = re.compile(r"\d+_[A-Za-z0-9_-]*\.tflite\.gz")
_SCRIPTS = ("page", "worker", "worklet")
# Largest sizes of a page with one instrument, and of its HTML and CSS, in bytes.
LARGEST_PAGE = 14_000_000
_MARKUP = 20_000


@dataclass(frozen=True)
class LiveInstrument:
    """An instrument on the page.

    Attributes:
        facts: Properties for the page: "name", "sampleRate", "frameRate" and the other keys of
            `Facts` in live/src/protocol.ts, without the names of files.
        streams: Contents of its `stream.tflite`, most precise first. The page uses the first that
            is small enough.
        listen: Content of its `listen.tflite`; None if it has none, so that only keys and MIDI
            files can play it.
        expression: Content of the player's `expression.tflite`; None if it has none, so that MIDI
            files sound like keys.
    """

    facts: dict[str, Any]
    streams: Sequence[bytes]
    listen: bytes | None = None
    expression: bytes | None = None


@dataclass(frozen=True)
class Slider:
    """A slider of the page, with its range and initial value."""

    name: str
    label: str
    low: int
    high: int
    value: int


SLIDERS = (
    Slider("octave", "Octave", -3, 3, 0),
    Slider("semitones", "Transposition", -12, 12, 0),
    Slider("loudness", "Loudness", -40, 40, 0),
    Slider("vibrato", "Vibrato", 0, 100, 0),
    Slider("gate", "Gate", 15, 80, 45),
    Slider("room", "Room", 0, 100, 100),
)


def write_live_page(
    path: str | os.PathLike, instruments: Sequence[LiveInstrument], single_file: bool = False
) -> Path:
    """Writes the live page.

    Args:
        path: Folder to write, or the HTML file if it is a single file. An earlier page is replaced.
        instruments: Instruments to choose from, starting with the first.
        single_file: Whether to write one HTML file, which also opens from a disk. A folder is a
            quarter smaller, but needs a web server.

    Returns:
        Path of the HTML file.

    Raises:
        UserError: If there are no instruments, two have the same name, the path contains anything
            but a page, or it cannot be written.

    Example:
        >>> write_live_page("page", [])
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: page: a page needs an instrument; none was given
    """
    path = Path(path)
    check_target(path, single_file)
    _check_instruments(path, instruments)
    facts, files = [], {}
    for number, instrument in enumerate(instruments, start=1):
        stem = _stem(number, instrument.facts["name"])
        files[f"{stem}.tflite.gz"] = _fitting(instrument, single_file)
        own = {"ear": instrument.listen, "expression": instrument.expression}
        added = {
            kind: None if content is None else _added(files, f"{stem}_{kind}", _packed(content))
            for kind, content in own.items()
        }
        facts.append({**instrument.facts, "model": f"{stem}.tflite.gz", **added})
    runtime = (BUILT / RUNTIME).read_bytes()
    content: dict[str, Any] = {
        "title": _title([printable(one["name"]).replace("_", " ") for one in facts]),
        "version": __version__,
        "mark": _MARK,
        "instruments": facts,
        "sliders": SLIDERS,
        "notice": (BUILT / "NOTICE").read_text("utf-8"),
        "scripts": {name: (BUILT / f"{name}.js").read_text("utf-8") for name in _SCRIPTS},
    }
    if single_file:
        embedded = {name: _text(data) for name, data in {**files, RUNTIME: runtime}.items()}
        write_page(path, "live.html.j2", embedded=embedded, **content)
        return path
    with atomic_path(path) as folder:
        folder.mkdir()
        for name, data in {**files, RUNTIME: runtime}.items():
            (folder / name).write_bytes(data)
        write_page(folder / _INDEX, "live.html.j2", embedded={}, **content)
    return path / _INDEX


def _title(names: Sequence[str]) -> str:
    if len(names) > 3:
        return f"Play {len(names)} instruments"
    return "Play " + " or ".join(names)


def check_target(path: Path, single_file: bool) -> None:
    """Checks that writing a page destroys no files of the user.

    Args:
        path: Path of the page: nothing, an empty folder, or an earlier page.
        single_file: Whether the page is one file.

    Raises:
        UserError: If the path is anything else. The message names it.
    """
    if not path.exists():
        return
    if not path.is_file() and not path.is_dir():
        raise UserError(f"{path}: is neither a file nor a folder; name another place")
    if single_file != path.is_file():
        found, expected = ("a file", "a folder") if path.is_file() else ("a folder", "a file")
        raise UserError(f"{path}: is {found}; expected {expected} for the page")
    names = {entry.name for entry in path.iterdir()} if path.is_dir() else {path.name}
    if path.is_dir():
        ours = {_INDEX, RUNTIME} | {name for name in names if _MODEL_FILE.fullmatch(name)}
        if strange := sorted(names - ours):
            raise UserError(f"{path / strange[0]}: does not belong to a page; name another folder")
    page = path if path.is_file() else path / _INDEX
    if names and not (page.is_file() and _MARK in page.read_text("utf-8", errors="replace")[:2000]):
        raise UserError(f"{path}: is not a page of ddsp-tf play; name another place")


def _check_instruments(path: Path, instruments: Sequence[LiveInstrument]) -> None:
    """Refuses a page without instruments, or with two of the same name."""
    if not instruments:
        raise UserError(f"{path}: a page needs an instrument; none was given")
    names = [instrument.facts["name"] for instrument in instruments]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{path}: two instruments are called {name!r}; rename one's folder")


def _fitting(instrument: LiveInstrument, single_file: bool) -> bytes:
    """Returns the most precise model, compressed, with which a page is small enough."""
    scripts = sum((BUILT / f"{name}.js").stat().st_size for name in _SCRIPTS)
    others = len(_packed((instrument.listen or b"") + (instrument.expression or b"")))
    others += (BUILT / RUNTIME).stat().st_size
    packed = b""
    for stream in instrument.streams:
        packed = _packed(stream)
        size = len(packed) + others
        if _MARKUP + scripts + (size * 4 / 3 if single_file else size) <= LARGEST_PAGE:
            break
    return packed


def _stem(number: int, name: str) -> str:
    """Names an instrument's files, uniquely and with characters that are plain in an address.

    Example:
        >>> _stem(1, "50% oboe?"), _stem(2, "Flöte")
        ('1_50_oboe_', '2_Fl_te')
    """
    return f"{number}_{re.sub('[^A-Za-z0-9-]+', '_', name)[:40]}"


def _added(files: dict[str, bytes], name: str, content: bytes) -> str:
    """Adds a file and returns its name; instruments share files with equal content."""
    for known, other in files.items():
        if other == content:
            return known
    files[f"{name}.tflite.gz"] = content
    return f"{name}.tflite.gz"


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
