"""What run.json says."""

import dataclasses
from typing import Any

from ddsp_tf.files.ancestry import Ancestor


@dataclasses.dataclass
class PartOf:
    """The model of several instruments that plays one of them, or a mixture.

    Attributes:
        model: Path of the `.keras` file from the folder of the instrument.
        mixture: Share of each instrument that plays.
    """

    model: str
    mixture: dict[str, float]


@dataclasses.dataclass
class RunRecord:
    """Content of run.json.

    Attributes:
        schema_version: Version of this file.
        config: Name or path of the configuration.
        seed: Seed of everything random.
        steps: Steps asked for.
        recordings: Names of the recordings, for headings.
        dataset_fingerprint: Fingerprints of all datasets.
        extractor: `FeatureExtractor.describe()` of the datasets.
        feature_statistics: Statistics of the training features.
        ddsp_tf_version: Version that started the run.
        versions: Versions of the libraries it ran on.
        dataset: Absolute path of the first dataset.
        datasets: Absolute paths of all datasets when the run was started.
        relative_datasets: Their paths from the run's folder, None where there is none: they hold
            when run and datasets are moved together.
        weights: Shares of the datasets, if given.
        ancestor: The model that the training started from, if any.
        step: Steps done.
        seconds: Seconds of training.
        first_validation_loss: Validation loss of the untrained model.
        validation_loss: Validation loss of the last step.
        best_validation_loss: Lowest validation loss.
        warnings: Problems found during training.
        model_sha256: Checksum of the model, of a bundled instrument.
        instruments: Name of each dataset's instrument, of a run with several.
        part_of: The ensemble whose model plays, of the folder of one of its instruments.
    """

    schema_version: int
    config: str
    seed: int
    steps: int
    recordings: str
    dataset_fingerprint: str
    extractor: dict[str, Any]
    feature_statistics: dict[str, Any]
    ddsp_tf_version: str = ""
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    dataset: str = ""
    datasets: list[str] = dataclasses.field(default_factory=list)
    relative_datasets: list[str | None] = dataclasses.field(default_factory=list)
    weights: list[float] | None = None
    ancestor: Ancestor | None = None
    step: int = 0
    seconds: float = 0.0
    first_validation_loss: float | None = None
    validation_loss: float | None = None
    best_validation_loss: float | None = None
    warnings: list[str] = dataclasses.field(default_factory=list)
    model_sha256: str | None = None
    instruments: list[str] = dataclasses.field(default_factory=list)
    part_of: PartOf | None = None
