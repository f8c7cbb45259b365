"""Which recordings go into a dataset, and which of them are held out."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ddsp_tf.audio.files import file_sha256, find_audio_files
from ddsp_tf.data.manifest import SCHEMA_VERSION
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor

Paths = str | os.PathLike | Iterable[str | os.PathLike]


@dataclass(frozen=True)
class Candidate:
    """A recording that was given.

    Attributes:
        path: Where it is.
        source: Its path below the folder that all recordings share, with "/".
        held_out: Whether it was given for validation.
        sha256: Of its bytes; empty if it cannot be read.
        problem: Why it cannot be used, or empty.
    """

    path: Path
    source: str
    held_out: bool
    sha256: str
    problem: str = ""


def find_candidates(audio: Paths, validation: Paths = ()) -> list[Candidate]:
    """Lists the recordings given, by content.

    Args:
        audio: Files or folders.
        validation: Files or folders to be held out.

    Returns:
        A candidate for each file, training first. The second of two files with the same content
        has a `problem`.

    Raises:
        UserError: If a path is missing, or a file (by its content) is in both lists.
    """
    paths = [(path, False) for path in find_audio_files(audio)]
    if isinstance(validation, str | os.PathLike) or list(validation):
        paths += [(path, True) for path in find_audio_files(validation)]
    names = _sources([path for path, _ in paths])
    seen: dict[str, Candidate] = {}
    candidates = []
    for path, held_out in paths:
        sha256 = problem = ""
        try:
            sha256 = file_sha256(path)
        except UserError as error:
            problem = reason_without_name(error, path)
        first = seen.get(sha256) if sha256 else None
        if first and first.held_out != held_out:
            raise UserError(
                f"{path}: is given for validation but has the same content as {first.path}, which "
                "is given for training; take it out of one of them"
            )
        if first:
            problem = f"same content as {first.source}"
        candidate = Candidate(path, names[path], held_out, sha256, problem)
        if sha256:
            seen.setdefault(sha256, candidate)
        candidates.append(candidate)
    return candidates


def fingerprint(
    candidates: list[Candidate],
    extractor: FeatureExtractor,
    rules: PreparationRules,
    validation_share: float,
    seed: int,
) -> str:
    """Hashes everything that decides what a dataset holds.

    Names and folders do not count, the files' content does.

    Args:
        candidates: The recordings given.
        extractor: Measures them.
        rules: For silence and levels.
        validation_share: Share to hold out.
        seed: Chooses what is held out.

    Returns:
        64 hexadecimal digits.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "recordings": sorted({(entry.sha256, entry.held_out) for entry in candidates}),
        "extractor": extractor.describe(),
        "rules": rules.describe(),
        "validation_share": float(validation_share),
        "seed": int(seed),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def choose_held_out(sha256s: list[str], validation_share: float, seed: int) -> set[str]:
    """Chooses the recordings to hold out.

    Each recording has a rank that only its content and the seed decide, and the lowest ranks are
    held out. So recordings that come later hardly change who is held out.

    Args:
        sha256s: Contents of all usable recordings, two or more unless the share is 0 or 1.
        validation_share: 0 holds out none, 1 all; else at least one and never all.
        seed: Any integer.

    Returns:
        Contents of the recordings held out.

    Example:
        >>> len(choose_held_out([str(k) for k in range(20)], validation_share=0.1, seed=0))
        2
    """
    if validation_share in (0, 1):
        return set(sha256s) if validation_share else set()
    count = min(max(round(validation_share * len(sha256s)), 1), len(sha256s) - 1)
    ranked = sorted(sha256s, key=lambda s: hashlib.sha256(f"{seed}:{s}".encode()).hexdigest())
    return set(ranked[:count])


def _sources(paths: list[Path]) -> dict[Path, str]:
    """Names files by their path below the folder they share; absolute paths stay private."""
    try:
        root = Path(os.path.commonpath([path.parent for path in paths]))
        return {path: path.relative_to(root).as_posix() for path in paths}
    except ValueError:
        # Different drives share no folder.
        return {path: path.relative_to(path.anchor).as_posix() for path in paths}


def reason_without_name(error: UserError, path: Path) -> str:
    """Gives a message about a file without the file's name."""
    return str(error).removeprefix(f"{path}: ")
