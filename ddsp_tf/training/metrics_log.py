"""The table of a run's numbers, `logs/metrics.csv`."""

import csv
import os
from pathlib import Path

import numpy as np

from ddsp_tf.data.atomic import atomic_path
from ddsp_tf.errors import UserError

COLUMNS = (
    "step",
    "seconds",
    "learning_rate",
    "gradient_norm",
    "loss",
    "magnitude",
    "log_magnitude",
    "validation_loss",
    "validation_magnitude",
    "validation_log_magnitude",
)


class MetricsLog:
    """Rows of numbers by step, kept in a CSV file; a row may leave columns empty.

    Args:
        path: The file; made with a header if absent.

    Example:
        >>> import tempfile
        >>> log = MetricsLog(Path(tempfile.mkdtemp()) / "metrics.csv")
        >>> log.append({"step": 50, "loss": 12.5})
        >>> log.column("loss")
        (array([50.]), array([12.5]))
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        if not self.path.exists():
            self._write([])

    def append(self, row: dict[str, float]):
        """Adds a row at the end of the file."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS, restval="").writerow(row)

    def forget_after(self, step: int):
        """Drops rows of later steps: a resumed run does those steps again."""
        self._write([row for row in self.rows() if row["step"] <= step])

    def rows(self) -> list[dict[str, float]]:
        """Returns the rows; empty cells are absent.

        Raises:
            UserError: If the file is not such a table.
        """
        with self.path.open(newline="") as file:
            try:
                return [
                    {key: float(value) for key, value in row.items() if value}
                    for row in csv.DictReader(file)
                    if row["step"]
                ]
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f"{self.path}: not a table of metrics ({error})") from error

    def column(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the steps and values of one column, empty cells left out."""
        pairs = [(row["step"], row[name]) for row in self.rows() if name in row]
        steps, values = np.array(pairs, float).reshape(-1, 2).T
        return steps, values

    def _write(self, rows):
        with atomic_path(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(
                {key: int(v) if key == "step" else v for key, v in row.items()} for row in rows
            )
