"""Selection of the recordings for a dataset, and of those to hold out."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

from ddsp_tf.audio.finding import FoundFiles, Paths, find_audio
from ddsp_tf.audio.formats import MEDIA_CONTAINERS, container_of, media_reader_installed
from ddsp_tf.data.manifest import SCHEMA_VERSION
from ddsp_tf.data.recordings import Recording
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.checksum import file_sha256
from ddsp_tf.files.names import printable, reason_without_name
from ddsp_tf.version import __version__


def find_recordings(
    audio: Paths, validation: Paths = (), out: str | os.PathLike | None = None
) -> tuple[list[Recording], list[str]]:
    """Lists the given recordings, training first, and sentences about files that are not used.

    Recordings are "found", or "skipped" if they cannot be read or have the content of an earlier
    one. A file whose content is in both lists is refused.
    """
    found = [(find_audio(audio, out), False)]
    if isinstance(validation, str | os.PathLike) or list(validation):
        found.append((find_audio(validation, out), True))
    paths = [(path, held_out) for files, held_out in found for path in files.audio]
    names = _sources([path for path, _ in paths])
    seen: dict[str, Recording] = {}
    recordings = []
    for path, held_out in paths:
        recording = _recording(path, names[path], held_out)
        first = seen.setdefault(recording.sha256, recording) if recording.sha256 else recording
        if first.held_out != held_out:
            raise UserError(
                f"{path}: is given for validation but has the same content as {first.path}, which "
                "is given for training; take it out of one of them"
            )
        if first is not recording:
            reason = f"same content as {first.source}"
            recording = replace(recording, status="skipped", reason=reason)
        recordings.append(recording)
    everything = FoundFiles(
        unread=sorted({path for files, _ in found for path in files.unread}),
        results=sorted({path for files, _ in found for path in files.results}),
    )
    return recordings, everything.notes()


def _recording(path: Path, source: str, held_out: bool) -> Recording:
    try:
        sha256 = file_sha256(path)
        with open(path, "rb") as file:
            needs_reader = container_of(file)[0] in MEDIA_CONTAINERS
        if needs_reader and not media_reader_installed():
            # Without a hash: once the reader is installed, this is another recording.
            raise UserError("needs PyAV, which is not installed; pip install ddsp-tf[media]")
        return Recording(source, sha256, "found", held_out=held_out, path=path)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
    except UserError as error:
        reason = reason_without_name(error, path)
    return Recording(source, "", "skipped", reason, held_out, path=path)


def recording_key(
    recording: Recording, extractor: FeatureExtractor, rules: PreparationRules
) -> str:
    """Hashes everything that the measures of a recording depend on."""
    content = {
        "sha256": recording.sha256,
        "source": recording.source,
        "extractor": extractor.describe(),
        "rules": rules.describe(),
        "version": [SCHEMA_VERSION, __version__],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def fingerprint(
    recordings: list[Recording],
    extractor: FeatureExtractor,
    rules: PreparationRules,
    validation_share: float,
    seed: int,
) -> str:
    """Hashes everything that a dataset's contents depend on, not names or folders."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "recordings": sorted({(entry.sha256, entry.held_out) for entry in recordings}),
        "extractor": extractor.describe(),
        "rules": rules.describe(),
        "validation_share": float(validation_share),
        "seed": int(seed),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def choose_held_out(sha256s: list[str], validation_share: float, seed: int) -> set[str]:
    """Chooses the recordings to hold out, by content; a share of 0 means none, 1 all.

    Each recording has a rank that depends only on its content and the seed, and the lowest ranks
    are held out, so adding recordings hardly changes the selection.
    """
    if validation_share in (0, 1):
        return set(sha256s) if validation_share else set()
    count = min(max(round(validation_share * len(sha256s)), 1), len(sha256s) - 1)
    ranked = sorted(sha256s, key=lambda s: hashlib.sha256(f"{seed}:{s}".encode()).hexdigest())
    return set(ranked[:count])


def _sources(paths: list[Path]) -> dict[Path, str]:
    """Names files by their path relative to their common folder; absolute paths stay private."""
    try:
        root = Path(os.path.commonpath([path.parent for path in paths]))
        names = {path: path.relative_to(root).as_posix() for path in paths}
    except ValueError:
        # Files on different drives have no common folder.
        names = {path: path.relative_to(path.anchor).as_posix() for path in paths}
    taken: set[str] = set()
    for path, name in names.items():
        # Two names that are not valid Unicode may look the same.
        text = unique = printable(name)
        number = 2
        while unique in taken:
            unique, number = f"{text} ({number})", number + 1
        taken.add(unique)
        names[path] = unique
    return names
