"""The content of run.json."""

import dataclasses
import math
from typing import Annotated, Any, Literal

import pydantic

from ddsp_tf.files.ancestry import Ancestor

_SUMMARIES = ("f0_midi", "f0_hz", "loudness_db", "power_db")
_SIZES = ("sample_rate", "frame_rate", "hop", "loudness_fft_size", "power_frame_size")
_TRACKER = {"name": str, "version": str, "settings": dict}
_NUMBERS = ("min", "max", "mean", "p5", "p95")


def _checked(statistics: dict[str, Any] | None) -> dict[str, Any] | None:
    """Checks the statistics that playing a model needs; None is accepted."""
    for name in _SUMMARIES if statistics else ():
        summary = (statistics or {}).get(name)
        for key in _NUMBERS:
            number = summary.get(key) if isinstance(summary, dict) else None
            if not isinstance(number, int | float) or not math.isfinite(number):
                raise ValueError(f"{name}: no number {key!r}")
    return statistics


def _described(extractor: dict[str, Any] | None) -> dict[str, Any] | None:
    """Checks the description of an extractor; None is accepted."""
    for name in _SIZES if extractor else ():
        number = (extractor or {}).get(name)
        if not isinstance(number, int | float) or not 0 < number < math.inf:
            raise ValueError(f"no number {name!r} above 0")
    tracker = (extractor or {}).get("pitch_tracker")
    for name, kind in _TRACKER.items() if extractor else ():
        if not isinstance(tracker, dict) or not isinstance(tracker.get(name), kind):
            raise ValueError(f"pitch_tracker: no {name!r}")
    return extractor


ExtractorDescription = Annotated[dict[str, Any], pydantic.AfterValidator(_described)]
FeatureStatistics = Annotated[dict[str, Any], pydantic.AfterValidator(_checked)]


@dataclasses.dataclass
class PartOf:
    """The model of several instruments that plays one instrument or a mixture.

    Attributes:
        model: Path of the `.keras` file, relative to the folder of the instrument.
        mixture: Share of each instrument that plays.
    """

    model: Literal["../../best.keras"]
    mixture: dict[str, float]


@dataclasses.dataclass
class RunRecord:
    """Content of run.json.

    Attributes:
        schema_version: Version of this file.
        config: Name or path of the configuration.
        seed: Seed of everything random.
        steps: Number of steps requested.
        recordings: Names of the recordings, for headings.
        dataset_fingerprint: Fingerprints of all datasets.
        extractor: `FeatureExtractor.describe()` of the datasets.
        feature_statistics: Statistics of the training features.
        ddsp_tf_version: Version of ddsp-tf that started the run.
        versions: Versions of the libraries that it used.
        dataset: Absolute path of the first dataset.
        datasets: Absolute paths of all datasets when the run was started.
        relative_datasets: Paths relative to the run's folder, None where there is none; they remain
            valid if run and datasets are moved together.
        weights: Shares of the datasets, if given.
        ancestor: Model that the training started from, if any.
        step: Number of steps done.
        seconds: Seconds of training.
        first_validation_loss: Validation loss of the untrained model.
        validation_loss: Validation loss of the last step.
        best_validation_loss: Lowest validation loss.
        warnings: Problems found during training.
        model_sha256: Checksum of the model, for a bundled instrument.
        instruments: Name of each dataset's instrument, for a run with several.
        part_of: Ensemble whose model plays, for the folder of one of its instruments.
    """

    schema_version: int
    config: str
    seed: int
    steps: int
    recordings: str
    dataset_fingerprint: str
    extractor: ExtractorDescription
    feature_statistics: FeatureStatistics
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
