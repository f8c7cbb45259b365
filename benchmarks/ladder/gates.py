"""The result of a rung: numbers, gates that they pass or fail, and files."""

import csv
import dataclasses
import json
import math
from pathlib import Path

from ddsp_tf.files.atomic import atomic_path


@dataclasses.dataclass(frozen=True)
class Gate:
    """A bound on one number.

    Attributes:
        what: Name of the number, with its unit.
        value: Value found.
        bound: Largest (or smallest) value that passes.
        at_least: Whether the bound is the smallest value that passes.
    """

    what: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def passed(self) -> bool:
        """Whether the value is within the bound; NaN never is."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def wanted(self) -> str:
        """The bound as text, such as "at most 0.5"."""
        return f"at {'least' if self.at_least else 'most'} {self.bound:.4g}"


@dataclasses.dataclass
class Table:
    """Rows of results under a title."""

    title: str
    columns: list[str]
    rows: list[list]


@dataclasses.dataclass
class Result:
    """The result of one rung on one material.

    Attributes:
        rung: Number of the rung.
        title: Title of the rung.
        material: Name of the material.
        folder: Folder of its files.
        gates: Gates.
        tables: Tables.
        pictures: PNG files, relative to `folder`, by caption.
        sounds: Audio files, relative to `folder`, by name.
        pages: HTML files, relative to `folder`, by caption.
        seconds: Duration.
        failure: Reason why it ended early, if it did.
    """

    rung: int
    title: str
    material: str
    folder: Path
    gates: list[Gate] = dataclasses.field(default_factory=list)
    tables: list[Table] = dataclasses.field(default_factory=list)
    pictures: dict[str, str] = dataclasses.field(default_factory=dict)
    sounds: dict[str, str] = dataclasses.field(default_factory=dict)
    pages: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rung finished and all its gates hold."""
        return not self.failure and all(gate.passed for gate in self.gates)

    def at_most(self, what: str, value: float, bound: float):
        """Adds a gate with a largest value."""
        self.gates.append(Gate(what, float(value), bound))

    def at_least(self, what: str, value: float, bound: float):
        """Adds a gate with a smallest value."""
        self.gates.append(Gate(what, float(value), bound, at_least=True))

    def write(self):
        """Writes result.json and one CSV file per table into the rung's folder."""
        content = {
            "rung": self.rung,
            "title": self.title,
            "material": self.material,
            "passed": self.passed,
            "failure": self.failure,
            "seconds": round(self.seconds, 1),
            "gates": [
                {
                    "what": gate.what,
                    "value": gate.value if math.isfinite(gate.value) else None,
                    "wanted": gate.wanted,
                    "passed": gate.passed,
                }
                for gate in self.gates
            ],
            "tables": [dataclasses.asdict(table) for table in self.tables],
            "pictures": self.pictures,
            "sounds": self.sounds,
            "pages": self.pages,
        }
        with atomic_path(self.folder / "result.json") as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
        for number, table in enumerate(self.tables):
            with (
                atomic_path(self.folder / f"table_{number}.csv") as temporary,
                temporary.open("w", newline="") as file,
            ):
                csv.writer(file).writerows([table.columns, *table.rows])
