"""The folder of a training run."""

import json
import os
from pathlib import Path

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path

SCHEMA_VERSION = 1

# More steps, or other times to look, change nothing about the steps already done.
_FREE = (
    "steps",
    "log_every",
    "validate_every",
    "validation_clips",
    "checkpoint_every",
    "keep_checkpoints",
    "render_every",
    "render_clips",
    "early_stop_validations",
)


def _settings(configuration: str) -> list[str]:
    """Returns the lines of a configuration that decide what is trained."""
    lines = configuration.splitlines()
    names = set(_FREE)
    if "train.decay = 'cosine'" in lines:
        # The learning rate of every step depends on how many there are.
        names.remove("steps")
    free = tuple(f"train.{name} =" for name in names)
    return [line for line in lines if line and not line.startswith(("#", *free))]


class RunDirectory:
    """Paths and records of a run.

    Args:
        path: The folder; need not exist yet.

    Example:
        >>> RunDirectory("violin_run").best_model.name
        'best.keras'
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.configuration = self.path / "config.gin"
        self.checkpoints = self.path / "checkpoints"
        self.best_model = self.path / "best.keras"
        self.logs = self.path / "logs"
        self.metrics = self.logs / "metrics.csv"
        self.timing = self.logs / "timing.csv"
        self.files = self.logs / "files.csv"
        self.renders = self.path / "renders"
        self.record = self.path / "run.json"
        self.evaluation = self.path / "evaluation.json"
        self.report = self.path / "report.html"

    def open(self, configuration: str, record: dict) -> None:
        """Starts a run, or goes on with one of the same settings.

        Args:
            configuration: The configuration in full, gin text.
            record: What is to be kept in run.json; "seed" and "dataset_fingerprint" must not
                change.

        Raises:
            UserError: If the folder holds another run, something else, or cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; expected a folder for the run")
        if self.record.exists():
            self.check_same(configuration, record)
            with atomic_path(self.configuration) as temporary:
                temporary.write_text(configuration)
            return
        if self.path.is_dir() and any(self.path.iterdir()):
            raise UserError(f"{self.path}: not empty and not a run; name a new folder")
        with atomic_path(self.configuration) as temporary:
            temporary.write_text(configuration)
        self.update(record)

    def check_same(self, configuration: str, record: dict) -> None:
        """Makes sure that a run may go on with a configuration.

        Args:
            configuration: The configuration in full, gin text.
            record: With "seed" and "dataset_fingerprint".

        Raises:
            UserError: If anything that changes the training differs.
        """
        old = self.read()
        for key in ("seed", "dataset_fingerprint"):
            if old.get(key) != record[key]:
                raise UserError(
                    f"{self.path}: was started with {key}={old.get(key)}, now it is "
                    f"{record[key]}; name a new folder, or go on with the same"
                )
        before, after = (_settings(self.configuration.read_text()), _settings(configuration))
        changed = [line for line in after if line not in before]
        changed += [line for line in before if line not in after]
        if changed:
            raise UserError(
                f"{self.path}: was started with another configuration ({changed[0].strip()}); "
                "name a new folder, or go on with the same"
            )

    def read(self) -> dict:
        """Returns run.json.

        Raises:
            UserError: If the folder is not a run, or of another version.
        """
        try:
            record = json.loads(self.record.read_text())
        except FileNotFoundError as error:
            raise UserError(f"{self.path}: not a run directory (no run.json in it)") from error
        except (OSError, ValueError) as error:
            raise UserError(f"{self.record}: cannot be read ({error})") from error
        if not isinstance(record, dict) or record.get("schema_version") != SCHEMA_VERSION:
            raise UserError(f"{self.record}: not a run of this version (schema {SCHEMA_VERSION})")
        return record

    def update(self, values: dict) -> None:
        """Changes entries of run.json."""
        old = self.read() if self.record.exists() else {}
        record = {"schema_version": SCHEMA_VERSION, **old, **values}
        with atomic_path(self.record) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n")
