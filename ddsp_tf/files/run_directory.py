"""The folder of a training run."""

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.documents import read_document
from ddsp_tf.files.run_record import RunRecord
from ddsp_tf.version import __version__

SCHEMA_VERSION = 1

# More steps, or other validation intervals, do not change the steps already done. The model to
# start from is compared by its checksum, wherever it lies.
_FREE = ("steps", "validate_every", "render_every", "early_stop_validations", "start_from")
# Names that `atomic_path` gives to unfinished files.
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{6}-\d+\.partial.*")


class RunDiffersError(UserError):
    """A run was started with different data or settings from those given to resume it."""


class RunDirectory:
    """Paths and records of a run.

    Args:
        path: Folder of the run, which need not exist yet.

    Example:
        >>> RunDirectory("violin_run").best_model.name
        'best.keras'
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.configuration = self.path / "config.gin"
        self.checkpoints = self.path / "checkpoints"
        self.best_model = self.path / "best.keras"
        self.expression = self.path / "expression.npz"
        self.logs = self.path / "logs"
        self.metrics = self.logs / "metrics.csv"
        self.timing = self.logs / "timing.csv"
        self.files = self.logs / "files.csv"
        self.renders = self.path / "renders"
        self.record = self.path / "run.json"
        self.evaluation = self.path / "evaluation.json"
        self.report = self.path / "report.html"

    def instrument(self, name: str) -> "RunDirectory":
        """Returns the folder of one of several instruments, which need not exist."""
        return RunDirectory(self.path / "instruments" / name)

    def model_source(self) -> tuple[Path, dict[str, float] | None]:
        """Finds the best model.

        Returns:
            Tuple of its file, which need not exist, and the mixture of its instruments that plays,
            None if the file is the run's own.

        Raises:
            UserError: If the record is damaged.
        """
        if self.best_model.exists() or not self.record.exists():
            return self.best_model, None
        part = self.read().get("part_of")
        if part is None:
            return self.best_model, None
        return self._beside(part["model"]), part["mixture"]

    def trained_run(self) -> "RunDirectory":
        """Returns the run that was trained: for the folder of one instrument, the run of all.

        Raises:
            UserError: If the record is damaged.
        """
        return RunDirectory(self.model_source()[0].parent)

    def open(self, configuration: str, record: Mapping[str, Any]) -> None:
        """Starts a run, or resumes one with the same settings.

        The caller has locked the folder. A start that was killed is completed, and files that
        killed processes left half written are removed.

        Args:
            configuration: Complete configuration as gin text.
            record: Entries of run.json; see `RunRecord`.

        Raises:
            RunDiffersError: If the folder contains a run with other data or settings.
            UserError: If the folder contains anything else, or cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; expected a folder for the run")
        try:
            os.fspath(self.path).encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{self.path}: its name is not UTF-8, which TensorFlow needs; choose another name"
            ) from error
        if self.is_started():
            self.check_same(configuration, record)
        elif not self.record.exists() and self._holds_anything_else():
            raise UserError(f"{self.path}: not empty and not a run; name a new folder")
        self._remove_partial_files()
        if not self.is_started():
            # The record comes first: a folder with only a configuration may be the user's own.
            self.update(record)
        elif self.read()["steps"] != record["steps"]:
            self.update({"steps": record["steps"]})
        with atomic_path(self.configuration) as temporary:
            temporary.write_text(configuration, encoding="utf-8")

    def is_started(self) -> bool:
        """Tells whether there is a run, rather than the beginning of one that was killed.

        Raises:
            UserError: If the configuration of a run that was trained is missing.
        """
        if self.record.exists() and not self.configuration.exists():
            if self.checkpoints.exists() or self.best_model.exists():
                raise UserError(
                    f"{self.configuration}: is missing, but needed to resume the run; restore "
                    "it, or name a new folder"
                )
            return False
        return self.record.exists()

    def _holds_anything_else(self) -> bool:
        entries = self.path.iterdir() if self.path.is_dir() else ()
        return any(not _PARTIAL.fullmatch(entry.name) for entry in entries)

    def _remove_partial_files(self):
        for path in [p for p in self.path.rglob(".*.partial*") if _PARTIAL.fullmatch(p.name)]:
            if path.is_file():
                path.unlink()

    def check_same(self, configuration: str, record: Mapping[str, Any]) -> None:
        """Checks that the run may be resumed with a configuration, without changing anything.

        Args:
            configuration: Complete configuration as gin text.
            record: Entries "seed" and "dataset_fingerprint", and "weights" and "ancestor" if there
                are any.

        Raises:
            RunDiffersError: If anything that changes the training differs.
            UserError: If the folder is not a run.
        """
        old = self.read()
        for key in ("seed", "dataset_fingerprint", "instruments", "weights"):
            if (old.get(key) or None) != (record.get(key) or None):
                raise RunDiffersError(
                    f"{self.path}: was started with {key}={old.get(key)}, now it is "
                    f"{record.get(key)}; name a new folder, or resume with the same"
                )
        start, now = _start(old), _start(record)
        if start[1] != now[1]:
            raise RunDiffersError(
                f"{self.path}: was started from {start[0]}, now it is {now[0]}; name a new folder, "
                "or resume with the same"
            )
        before = _settings(self.configuration.read_text(encoding="utf-8"))
        after = _settings(configuration)
        names = set(before) & set(after)
        if old["ddsp_tf_version"] == __version__:
            # Another version may have more or fewer settings.
            names = set(before) | set(after)
        changed = [name for name in sorted(names) if before.get(name) != after.get(name)]
        if changed:
            raise RunDiffersError(
                f"{self.path}: was started with another configuration ({changed[0]} = "
                f"{before.get(changed[0], 'not set')}, now {after.get(changed[0], 'not set')}); "
                "name a new folder, or resume with the same"
            )

    def read(self) -> dict[str, Any]:
        """Reads run.json.

        Returns:
            Entries of `RunRecord`; optional ones only if they are set.

        Raises:
            UserError: If the folder is not a run, or run.json is damaged or of another version.
        """
        if not self.record.exists():
            raise UserError(f"{self.path}: not a run directory (no run.json in it)")
        record = read_document(self.record, RunRecord, "name another run, or train in a new folder")
        if record.schema_version != SCHEMA_VERSION:
            raise UserError(f"{self.record}: not a run of this version (schema {SCHEMA_VERSION})")
        return {key: v for key, v in dataclasses.asdict(record).items() if v is not None}

    def datasets(self) -> list[Path]:
        """Finds the datasets that the run was trained on, even if run and datasets were moved.

        Returns:
            Their folders, in order.

        Raises:
            UserError: If one is gone. The message names it.
        """
        record, folders = self.read(), []
        if not record["datasets"]:
            raise UserError(f"{self.record}: names no dataset; name one with --data")
        for path, relative in zip(record["datasets"], record["relative_datasets"], strict=False):
            places = [Path(path)]
            if relative is not None:
                places.insert(0, self._beside(relative))
            found = [place for place in places if (place / "dataset.json").is_file()]
            if not found:
                raise UserError(f"{path}: the run's dataset is gone; name one with --data")
            folders.append(found[0])
        return folders

    def describe_datasets(self, folders: Sequence[str | os.PathLike]) -> dict[str, Any]:
        """Describes the locations of datasets.

        Args:
            folders: Folders of the datasets.

        Returns:
            Entries "dataset", "datasets" and "relative_datasets" of run.json.
        """
        paths = [Path(folder).resolve() for folder in folders]
        return {
            "dataset": str(paths[0]),
            "datasets": [str(path) for path in paths],
            "relative_datasets": [self._relative(path) for path in paths],
        }

    def _beside(self, relative: str) -> Path:
        # The parent of a link's target is not the folder that contains the link.
        return Path(os.path.normpath(os.path.join(os.path.realpath(self.path), relative)))

    def _relative(self, path: Path) -> str | None:
        try:
            return Path(os.path.relpath(path, self.path.resolve())).as_posix()
        except ValueError:  # On another drive.
            return None

    def update(self, values: Mapping[str, Any]) -> None:
        """Changes entries of run.json."""
        old = self.read() if self.record.exists() else {}
        record = {"schema_version": SCHEMA_VERSION, **old, **values}
        # Always in the same order, so that a resumed run ends with the same file.
        order = [field.name for field in dataclasses.fields(RunRecord)]
        order += sorted(record.keys() - order)
        record = {name: record[name] for name in order if name in record}
        with atomic_path(self.record) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _start(record: Mapping[str, Any]) -> tuple[str, str]:
    """Returns what a run started from, and its checksum."""
    ancestor = record.get("ancestor")
    if not ancestor:
        return "initial weights", ""
    return f"{ancestor['source']} ({ancestor['model_sha256'][:8]})", ancestor["model_sha256"]


def _settings(configuration: str) -> dict[str, str]:
    """Returns the settings of a configuration that affect training."""
    joined = configuration.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if " =" in line and not line.startswith("#")]
    pairs = (line.split(" =", 1) for line in lines)
    settings = {name.strip(): " ".join(value.split()) for name, value in pairs}
    # With a cosine, the learning rate of every step depends on the number of steps.
    free = [name for name in _FREE if name != "steps" or settings.get("train.decay") != "'cosine'"]
    return {name: v for name, v in settings.items() if name.removeprefix("train.") not in free}
