"""`evaluation.json`: the measures of an evaluation, and its clips."""

import dataclasses
import math
from typing import Annotated, Any

import pydantic

from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.documents import read_document
from ddsp_tf.files.run_directory import RunDirectory

# JSON has no NaN, so it is written as null.
Number = Annotated[float, pydantic.BeforeValidator(lambda v: math.nan if v is None else v)]


@dataclasses.dataclass(frozen=True)
class EvaluatedDataset:
    """A part of a dataset that a model was evaluated on.

    Attributes:
        path: Folder of the dataset.
        title: Short name of the dataset.
        fingerprint: Fingerprint of the dataset.
        split: Split that was evaluated: "validation", "train" or "all".
        relation: Relation of the clips to the model: "held-out clips", "training clips", "training
            and held-out clips" or "clips of another dataset".
        clips: Number of clips.
        extractor: Description of the feature extractor, which also measured the renders.
    """

    path: str
    title: str
    fingerprint: str
    split: str
    relation: str
    clips: int
    extractor: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class EvaluatedClip:
    """Measures of one clip.

    Attributes:
        name: Recording and the clip's position in it, such as "violin.flac 0.0-4.0 s".
        dataset: Index of the clip's dataset.
        metrics: Measures by name; NaN where nothing could be measured.
    """

    name: str
    dataset: int
    metrics: dict[str, Number]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Content of evaluation.json.

    Attributes:
        model_sha256: Hash of the evaluated model.
        datasets: Datasets that it was evaluated on.
        clip_seconds: Length of the clips.
        clips: Number of clips.
        notes: Notes for the reader of the numbers.
        summary: Mean of every measure over the clips that have it; NaN if none has.
        per_clip: Measures of every clip.
    """

    model_sha256: str
    datasets: list[EvaluatedDataset]
    clip_seconds: float
    clips: int
    notes: list[str]
    summary: dict[str, Number]
    per_clip: list[EvaluatedClip]

    @property
    def described_clips(self) -> str:
        """Number and origin of the clips, such as "12 held-out clips"."""
        counts: dict[str, int] = {}
        for dataset in self.datasets:
            counts[dataset.relation] = counts.get(dataset.relation, 0) + dataset.clips
        return ", ".join(f"{count} {relation}" for relation, count in counts.items())


def write_evaluation(run: RunDirectory, evaluation: Evaluation) -> None:
    """Writes a run's evaluation.json.

    Args:
        run: Run that was evaluated.
        evaluation: Measures to write.

    Raises:
        UserError: If the file cannot be written.
    """
    content = pydantic.TypeAdapter(Evaluation).dump_json(evaluation, indent=2)
    with atomic_path(run.evaluation) as temporary:
        temporary.write_bytes(content + b"\n")


def read_evaluation(run: RunDirectory) -> Evaluation:
    """Reads a run's evaluation.json.

    Args:
        run: Run to read from.

    Returns:
        Content of the file.

    Raises:
        UserError: If the file is absent, damaged or of another version.
    """
    return read_document(run.evaluation, Evaluation, "evaluate the run again")
