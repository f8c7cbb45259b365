"""The description of an exported model, model.json."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import recover
from ddsp_tf.files.documents import read_document
from ddsp_tf.files.run_record import ExtractorDescription, FeatureStatistics

SCHEMA_VERSION = 3
NAME = "model.json"
_REMEDY = "export the model again"

Positive = Annotated[int, pydantic.Field(gt=0, le=1 << 27)]


@dataclass
class FileRecord:
    """Size and SHA-256 of a file, as it was written."""

    bytes: int
    sha256: str


@dataclass
class ExportDescription:
    """Description of an exported model; docs/export.md explains every key."""

    schema_version: Literal[3]
    sha256: str
    ddsp_tf_version: str
    sample_rate: Positive
    frame_rate: Annotated[float, pydantic.Field(gt=0, le=1e6)]
    hop: Positive
    latency_samples: Annotated[int, pydantic.Field(ge=0, le=1 << 27)]
    features: list[str]
    mean_z: list[float] | None
    instruments: list[str]
    feature_extractor: ExtractorDescription | None
    feature_ranges: FeatureStatistics | None
    controls: dict[str, Positive]
    stems: list[str]
    state: dict[str, dict[str, Positive]]
    listen: dict[str, Any] | None
    signatures: list[str]
    artifacts: dict[str, dict[str, Any]]
    not_written: dict[str, str]
    files: dict[str, FileRecord]
    trained_steps: int | None
    seed: int | None
    model_sha256: str | None


def write_description(folder: Path, content: dict[str, Any]) -> ExportDescription:
    """Writes an export's model.json.

    Args:
        folder: Export to describe.
        content: Values of `ExportDescription`; its schema version and checksum are added.

    Returns:
        The description, as `read_description` reads it.
    """
    content = {"schema_version": SCHEMA_VERSION, **content}
    content["sha256"] = _checksum(content)
    text = json.dumps(content, indent=2) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8")
    return read_description(folder)


def _checksum(content: dict[str, Any]) -> str:
    """Hashes a description without its checksum, independent of key order and layout."""
    rest = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_description(folder: str | os.PathLike) -> ExportDescription:
    """Reads an export's model.json.

    Args:
        folder: Export to describe.

    Returns:
        Its description.

    Raises:
        UserError: If the folder is not an export, or model.json is damaged or of another version.

    Example:
        >>> read_description("nothing_here")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: nothing_here: not an exported model (no model.json in it)
    """
    path = Path(folder) / NAME
    if not Path(folder).exists():
        # A process was killed while it replaced the export.
        recover(folder)
    if not path.is_file():
        raise UserError(f"{folder}: not an exported model (no model.json in it)")
    description = read_document(path, ExportDescription, _REMEDY)
    if _checksum(json.loads(path.read_bytes())) != description.sha256:
        raise UserError(f"{path}: damaged or changed since it was written; {_REMEDY}")
    return description


def check_files(folder: str | os.PathLike, description: ExportDescription, below: str = "") -> None:
    """Compares files of an export with their checksums.

    Args:
        folder: Export to check.
        description: Description from `read_description`.
        below: Folder inside the export to check, such as "saved_model"; "" for all.

    Raises:
        UserError: If a file is missing, was changed, or does not belong to the export. The message
            names it.
    """
    folder = Path(folder)
    listed = {name for name in description.files if Path(name).is_relative_to(below)}
    if not listed:
        raise UserError(f"{folder / below}: model.json lists no files of it; {_REMEDY}")
    found = files_below(folder, below)
    for name in sorted(found - {NAME} - listed):
        raise UserError(
            f"{folder / name}: does not belong to the export; move it to another folder"
        )
    for name in sorted(listed):
        check_file(folder, description, name)


def check_file(folder: str | os.PathLike, description: ExportDescription, name: str) -> Path:
    """Compares one file of an export with its checksum.

    Args:
        folder: Export to check.
        description: Description from `read_description`.
        name: Name of a file that the description lists, such as "stream.tflite".

    Returns:
        Path of the file.

    Raises:
        UserError: If the file is missing or was changed. The message names it.
    """
    path = Path(folder) / name
    if not path.exists():
        raise UserError(f"{path}: missing; {_REMEDY}")
    if not is_unchanged(path, description.files[name]):
        raise UserError(
            f"{path}: damaged or changed since it was exported (its checksum is not the one in "
            f"model.json); {_REMEDY}"
        )
    return path


def files_below(folder: Path, below: str = "") -> set[str]:
    """Returns the paths of all files below a folder, relative to it; links count as files."""
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / below).rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def is_unchanged(path: Path, record: FileRecord) -> bool:
    """Tells whether a file has the size and the checksum of its record."""
    if not path.is_file() or path.stat().st_size != record.bytes:
        return False
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == record.sha256
