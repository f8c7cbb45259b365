"""Tables of a run's numbers, such as `logs/metrics.csv`."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path


class MetricsLog:
    """A CSV file with a row of numbers per step; a row may leave columns empty.

    Args:
        path: CSV file; created with a header if absent.
        columns: Names of the columns after "step"; those of the file if it exists.

    Example:
        >>> import tempfile
        >>> log = MetricsLog(Path(tempfile.mkdtemp()) / "metrics.csv", ["loss"])
        >>> log.append({"step": 50, "loss": 12.5})
        >>> log.column("loss")
        (array([50.]), array([12.5]))
    """

    def __init__(self, path: str | os.PathLike, columns: Sequence[str] = ()):
        self.path = Path(path)
        self.columns = ("step", *columns)
        if self.path.exists():
            with self.path.open(newline="") as file:
                self.columns = tuple(next(csv.reader(file), self.columns))
        else:
            self._write([])

    def append(self, row: dict[str, float]):
        """Adds a row at the end of the file."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns, restval="").writerow(row)

    def forget_after(self, step: int):
        """Removes the rows of later steps, which a resumed run repeats."""
        rows = self._cells()
        self._write([row for row in rows if float(row["step"]) <= step])

    def rows(self) -> list[dict[str, float]]:
        """Returns the rows, without empty cells.

        Raises:
            UserError: If the file is not such a table.
        """
        return [
            {key: self._number(value) for key, value in row.items() if value}
            for row in self._cells()
        ]

    def column(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the steps and values of one column, without empty cells."""
        pairs = [(row["step"], row[name]) for row in self.rows() if name in row]
        steps, values = np.array(pairs, float).reshape(-1, 2).T
        return steps, values

    def _cells(self) -> list[dict[str, str]]:
        with self.path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            # A line that was cut off by a kill is shorter than the header.
            if not isinstance(row.get("step"), str) or None in row:
                raise UserError(f"{self.path}: not a table of metrics")
            self._number(row["step"])
        return rows

    def _number(self, cell: str) -> float:
        try:
            return float(cell)
        except ValueError as error:
            raise UserError(f"{self.path}: not a table of metrics ({error})") from error

    def _write(self, rows):
        with atomic_path(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            writer.writeheader()
            # Kept as text, because parsing numbers may change their digits.
            writer.writerows(rows)
