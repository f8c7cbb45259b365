"""`dataset.json`: what a prepared dataset holds and how it was made."""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.version import __version__

SCHEMA_VERSION = 2
MANIFEST_NAME = "dataset.json"
INDEX_NAME = "index.npy"
PAGE_NAME = "dataset.html"
SPLITS = ("train", "validation")


@dataclass(frozen=True)
class SourceFile:
    """A stretch of a recording: all of it, or what lies between two cuts.

    Attributes:
        source: Its path below the folder that all recordings share, with "/".
        sha256: Of the file's bytes.
        split: "train" or "validation".
        start_frame: First frame of the recording that is in this stretch.
        frames: Frames in this stretch.
        duration_seconds: Of this stretch.
        voiced_share: Share of its frames with a confidence of 0.5 or more.
    """

    source: str
    sha256: str
    split: str
    start_frame: int
    frames: int
    duration_seconds: float
    voiced_share: float


@dataclass(frozen=True)
class Recording:
    """A recording that is in the dataset, and what was measured on all of it.

    Attributes:
        source: Its path below the folder that all recordings share, with "/".
        sha256: Of the file's bytes.
        seconds: Of the file.
        kept_seconds: That are in the dataset.
        file_rate: Sample rate of the file, in Hz.
        channels: Of the file; the dataset has their mean.
        gain_db: That was applied.
        peak_db: Highest sample of the file's channels, in dB re full scale.
        mono_loss_db: How much quieter the mean of the channels is than the channels.
        clipped_share: Share of values in runs of three or more at full scale.
        silent_share: Share of frames below the rules' `silence_db`.
        voiced_share: Share with a confidence of 0.5 or more, of the frames that sound.
        confidence: Median confidence of the frames that sound.
        unperiodic_share: Share of frames that do not repeat after one period of the pitch
            found, of the voiced ones that sound.
        f0_low_hz: Pitch below which 5 % of the voiced frames lie.
        f0_high_hz: Pitch below which 95 % of the voiced frames lie.
        flags: Sentences on what looks wrong; see `ddsp_tf.data.checks`.
    """

    source: str
    sha256: str
    seconds: float
    kept_seconds: float
    file_rate: int
    channels: int
    gain_db: float
    peak_db: float
    mono_loss_db: float
    clipped_share: float
    silent_share: float
    voiced_share: float
    confidence: float
    unperiodic_share: float
    f0_low_hz: float
    f0_high_hz: float
    flags: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Recording":
        """Makes a recording of what `asdict` gave, after a way through JSON."""
        return cls(**{**content, "flags": tuple(content["flags"])})


@dataclass(frozen=True)
class SkippedFile:
    """A recording that is not in the dataset, and why."""

    source: str
    reason: str
    sha256: str = ""


@dataclass(frozen=True)
class Shard:
    """A TFRecord file of the dataset.

    Attributes:
        name: File name inside the dataset.
        split: "train" or "validation".
        records: Records in it.
        size_bytes: Its size; a file of another size was damaged in copying.
        sha256: Of its bytes.
    """

    name: str
    split: str
    records: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything about a dataset but its arrays.

    Attributes:
        sample_rate: Of the audio, in Hz.
        frame_rate: Frames a second.
        hop: Samples between two frames.
        extractor: `FeatureExtractor.describe()`, with the tracker's name, version and settings.
        seed: That chose the validation files.
        validation_share: That was asked for.
        rules: `PreparationRules.describe()`: what was done about silence and levels.
        segment_frames: Frames of the longest record.
        shards: The TFRecord files.
        files: The stretches of recordings, in order of split, source and time.
        recordings: The recordings, in the order in which they were given.
        skipped: Recordings left out, with reasons.
        statistics: See `ddsp_tf.data.statistics.dataset_statistics`.
        fingerprint: Hash of all recordings given and all settings; see
            `ddsp_tf.data.preparation.dataset_fingerprint`.
        index_sha256: Of the bytes of `index.npy`; empty in datasets that are older than this.
        ddsp_tf_version: That wrote the dataset.
        schema_version: Of this file.
        folder: Where the dataset was loaded from; not stored.
    """

    sample_rate: int
    frame_rate: float
    hop: int
    extractor: dict[str, Any]
    seed: int
    validation_share: float
    rules: dict[str, Any]
    segment_frames: int
    shards: tuple[Shard, ...]
    files: tuple[SourceFile, ...]
    recordings: tuple[Recording, ...]
    skipped: tuple[SkippedFile, ...]
    statistics: dict[str, Any]
    fingerprint: str
    index_sha256: str = ""
    ddsp_tf_version: str = __version__
    schema_version: int = SCHEMA_VERSION
    folder: Path | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """Short name for headings: the recordings' names, the first few of many."""
        names = list(dict.fromkeys(Path(file.source).stem for file in self.files))
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    def has_split(self, split: str) -> bool:
        """Tells whether any recording is in a split."""
        return any(file.split == split for file in self.files)

    def files_of(self, split: str) -> list[SourceFile]:
        """Lists the recordings of a split.

        Args:
            split: "train" or "validation".

        Returns:
            Its recordings, at least one.

        Raises:
            UserError: If the split is unknown or empty.
        """
        if split not in SPLITS:
            raise UserError(f"split {split!r}: unknown; expected one of {', '.join(SPLITS)}")
        files = [file for file in self.files if file.split == split]
        if not files:
            raise UserError(
                f"{self.folder or 'dataset'}: the {split} split is empty; prepare the dataset "
                "again with another share or list of validation files"
            )
        return files

    def check_rates(self, sample_rate: int, frame_rate: float) -> None:
        """Checks that a model fits this dataset.

        Args:
            sample_rate: Of the model, in Hz.
            frame_rate: Of the model, in frames a second.

        Raises:
            UserError: If either differs; names the values of both sides.
        """
        for name, ours, theirs in (
            ("sample_rate", self.sample_rate, sample_rate),
            ("frame_rate", self.frame_rate, frame_rate),
        ):
            if ours != theirs:
                raise UserError(
                    f"{self.folder or 'dataset'}: {name} of the dataset is {ours} but that of "
                    f"the model is {theirs}; prepare the dataset again or change the model"
                )

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `dataset.json` into a folder.

        Args:
            folder: The dataset's folder.

        Raises:
            UserError: If it cannot be written.
        """
        content = asdict(self)
        del content["folder"]
        order = ["schema_version", "ddsp_tf_version"]
        content = {key: content[key] for key in (*order, *(k for k in content if k not in order))}
        with atomic_path(Path(folder) / MANIFEST_NAME) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads the manifest of a dataset.

    Args:
        folder: The dataset's folder.

    Returns:
        The manifest, with `folder` set.

    Raises:
        UserError: If there is no dataset of this schema, or its manifest is unreadable.
    """
    folder = Path(folder)
    path = folder / MANIFEST_NAME
    if not path.is_file():
        found = "no such folder" if not folder.exists() else f"has no {MANIFEST_NAME}"
        raise UserError(f"{folder}: not a dataset ({found}); make one with the prepare command")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); prepare the dataset again") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema_version is {version}; this ddsp-tf reads {SCHEMA_VERSION}; prepare "
            "the dataset again"
        )
    try:
        content["shards"] = tuple(Shard(**shard) for shard in content["shards"])
        content["files"] = tuple(SourceFile(**file) for file in content["files"])
        content["recordings"] = tuple(map(Recording.from_json, content["recordings"]))
        content["skipped"] = tuple(SkippedFile(**file) for file in content["skipped"])
        known = {entry.name for entry in fields(Manifest)} - {"folder"}
        if unknown := set(content) - known:
            raise TypeError(f"unknown key {sorted(unknown)[0]!r}")
        return Manifest(**content, folder=folder)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not as this ddsp-tf writes it ({error}); prepare the dataset again"
        ) from error


def as_manifest(dataset: Manifest | str | os.PathLike) -> Manifest:
    """Gives the manifest of a dataset that is named by its folder or by its manifest."""
    return dataset if isinstance(dataset, Manifest) else load_manifest(dataset)
