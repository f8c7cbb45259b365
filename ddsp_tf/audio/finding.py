"""Recordings in folders, and the other files there."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_tf.audio.formats import (
    AUDIO_SUFFIXES,
    MEDIA_SUFFIXES,
    OTHER_SUFFIXES,
    media_reader_installed,
)
from ddsp_tf.errors import UserError
from ddsp_tf.files.names import printable

Paths = str | os.PathLike | Iterable[str | os.PathLike]

_RESULTS = {"dataset.json": "dataset", "run.json": "run", "model.json": "exported model"}
_NAMED = 3


@dataclass
class FoundFiles:
    """Files found in folders.

    Attributes:
        audio: Recordings to read, absolute paths, sorted.
        unread: Files that look like recordings but are not read, absolute paths, sorted.
        results: Folders of ddsp-tf's own results, which were not entered.
    """

    audio: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Describes what is not used, in one line per reason."""
        lines = []
        for installable in (True, False):
            files = [path for path in self.unread if installable == _needs_reader(path)]
            if files:
                remedy = (
                    "pip install ddsp-tf[media]" if installable else "convert them to .wav or .flac"
                )
                one = len(files) == 1
                lines.append(
                    f"{len(files)} {'file is' if one else 'files are'} not read "
                    f"({_listed(files)}); {remedy}"
                )
        if self.results:
            one = len(self.results) == 1
            lines.append(
                f"{len(self.results)} {'folder' if one else 'folders'} of ddsp-tf's own results "
                f"({_listed(self.results)}) {'is' if one else 'are'} not searched for recordings"
            )
        return lines


def find_audio(paths: Paths, out: str | os.PathLike | None = None) -> FoundFiles:
    """Finds recordings.

    Folders and their subfolders are searched for suffixes of audio files, and of media files if
    PyAV is installed. Links to folders are followed, each folder once. Names that begin with a dot
    are skipped, as are folders that contain a dataset, a run or an export.

    Args:
        paths: File or folder, or several. A file is accepted whatever its suffix.
        out: Folder of results, which is not searched, unless it is one of `paths`.

    Returns:
        Recordings, and what is not used.

    Raises:
        UserError: If a path does not exist, or a folder holds no recording or is a result.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.WAV", "a.flac", "c.amr", "notes.txt"):
        ...     (folder / name).touch()
        >>> found = find_audio(folder)
        >>> [path.name for path in found.audio], [path.name for path in found.unread]
        (['a.flac', 'b.WAV'], ['c.amr'])
        >>> found.notes()
        ['1 file is not read (c.amr); convert them to .wav or .flac']
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    audio: set[Path] = set()
    unread: set[Path] = set()
    results: set[Path] = set()
    excluded = os.path.realpath(out) if out is not None else None
    for path in map(Path, paths):
        if path.is_dir():
            if kind := _kind_of_result(path):
                raise UserError(
                    f"{path}: is a {kind} that ddsp-tf wrote; expected recordings, or a folder of "
                    "recordings"
                )
            found = _below(Path(os.path.abspath(path)), excluded)
            if not found.audio:
                raise UserError(f"{path}: no recording in this folder; {_why_none(found)}")
            audio |= set(found.audio)
            unread |= set(found.unread)
            results |= set(found.results)
        elif path.exists():
            audio.add(Path(os.path.abspath(path)))
        else:
            raise UserError(f"{path}: no such file or folder")
    if not audio:
        raise UserError("no audio given; expected files or folders")
    return FoundFiles(sorted(audio), sorted(unread - audio), sorted(results))


def _why_none(found: FoundFiles) -> str:
    notes = "; ".join(found.notes())
    return notes or "expected .wav, .flac, .ogg, .mp3, .aiff, .m4a or others"


def _below(folder: Path, excluded: str | None) -> FoundFiles:
    found, visited = FoundFiles(), {os.path.realpath(folder)}
    readable = AUDIO_SUFFIXES | (MEDIA_SUFFIXES if media_reader_installed() else frozenset())
    for parent, folders, names in os.walk(folder, followlinks=True):
        entered = []
        for name in sorted(folders, key=lambda name: (os.path.islink(Path(parent, name)), name)):
            path = Path(parent, name)
            real = os.path.realpath(path)
            if name.startswith(".") or real in visited:
                continue
            visited.add(real)
            if real == excluded or _kind_of_result(path):
                found.results.append(path)
            else:
                entered.append(name)
        folders[:] = entered
        for name in names:
            suffix = Path(name).suffix.lower()
            if name.startswith("."):
                continue
            if suffix in readable:
                found.audio.append(Path(parent, name))
            elif suffix in MEDIA_SUFFIXES | OTHER_SUFFIXES:
                found.unread.append(Path(parent, name))
    return found


def _kind_of_result(folder: Path) -> str | None:
    """Returns which result of ours a folder contains, intact or damaged; None if it has none."""
    for name, kind in _RESULTS.items():
        try:
            content = json.loads((folder / name).read_bytes())
        except OSError:
            continue
        except (ValueError, RecursionError):
            return kind
        if isinstance(content, dict) and "schema_version" in content:
            return kind
    return None


def _needs_reader(path: Path) -> bool:
    return path.suffix.lower() in MEDIA_SUFFIXES


def _listed(paths: list[Path]) -> str:
    names = ", ".join(printable(path.name) for path in paths[:_NAMED])
    more = len(paths) - _NAMED
    return f"{names} and {more} more" if more > 0 else names
