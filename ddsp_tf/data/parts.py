"""Measured recordings in a working folder: each is complete, or is not there."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ddsp_tf.data.manifest import Recording
from ddsp_tf.data.records import INDEX_DTYPE
from ddsp_tf.files.atomic import atomic_path


@dataclass(frozen=True)
class Outcome:
    """What came of measuring a recording.

    Attributes:
        problem: Why it cannot be used, or empty.
        recording: What was measured on it; None if there is a problem.
        rows: Index of its records, one row of `INDEX_DTYPE` a record.
    """

    problem: str = ""
    recording: Recording | None = None
    rows: np.ndarray | None = None


@dataclass(frozen=True)
class Part:
    """A usable recording, or its share in one split, in a TFRecord file of its own.

    Attributes:
        path: The file.
        rows: Its index.
        recording: What was measured on the recording.
        held_out: Whether it was given for validation.
        split: "train" or "validation".
    """

    path: Path
    rows: np.ndarray
    recording: Recording
    held_out: bool
    split: str = "train"


def records_path(folder: Path, key: str) -> Path:
    """Says where the records of a recording are."""
    return folder / f"{key}.records"


def save_outcome(folder: Path, key: str, outcome: Outcome, records: Path) -> None:
    """Saves an outcome: first the records get their name, then the JSON file that names them.

    Args:
        folder: The working folder.
        key: `Task.key`.
        outcome: What to save.
        records: The records under a temporary name; renamed if there is no problem.

    Raises:
        OSError: If the folder cannot be written.
    """
    content: dict = {"problem": outcome.problem}
    if outcome.problem:
        records.unlink(missing_ok=True)
    else:
        content["size_bytes"] = records.stat().st_size
        content["rows"] = [[int(value) for value in row] for row in outcome.rows]
        content["recording"] = asdict(outcome.recording)
        os.replace(records, records_path(folder, key))
    with atomic_path(folder / f"{key}.json") as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def load_outcome(folder: Path, key: str) -> Outcome | None:
    """Loads an outcome, if a complete one is there.

    Args:
        folder: The working folder.
        key: `Task.key`.

    Returns:
        The outcome, or None.
    """
    try:
        content = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        if content["problem"]:
            return Outcome(problem=content["problem"])
        if records_path(folder, key).stat().st_size != content["size_bytes"]:
            return None
        rows = np.array([tuple(row) for row in content["rows"]], INDEX_DTYPE)
        return Outcome(recording=Recording.from_json(content["recording"]), rows=rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None
