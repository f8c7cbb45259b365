"""The record of the model whose weights a run started from."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Ancestor:
    """A model from which a training took its first weights, as in run.json.

    Attributes:
        source: Path or name of the model, as given.
        model_sha256: Checksum of the `.keras` file.
        config: Name or path of the configuration it was trained with; "" if unknown.
        recordings: Names of the recordings it was trained on; "" if unknown.
        step: Steps it was trained for.
        ancestor: The same facts about the model that it started from in turn, if any.
    """

    source: str
    model_sha256: str
    config: str = ""
    recordings: str = ""
    step: int = 0
    ancestor: dict[str, Any] | None = None
