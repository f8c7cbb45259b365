"""A record of the model whose weights a run started from."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Ancestor:
    """A model whose weights a training started from, as in run.json.

    Attributes:
        source: Path or name of the model, as given.
        model_sha256: Checksum of the `.keras` file.
        config: Name or path of the configuration that it was trained with; "" if unknown.
        recordings: Names of the recordings that it was trained on; "" if unknown.
        step: Number of steps that it was trained for.
        ancestor: Model that this model itself started from, if any.
    """

    source: str
    model_sha256: str
    config: str = ""
    recordings: str = ""
    step: int = 0
    ancestor: dict[str, Any] | None = None
