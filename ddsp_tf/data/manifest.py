"""`dataset.json`: what a dataset contains and how it was made."""

import functools
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from ddsp_tf.data.recordings import SPLITS, STRICT, Recording, SegmentFile
from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.checksum import file_sha256
from ddsp_tf.files.documents import read_document

SCHEMA_VERSION = 3
MANIFEST_NAME = "dataset.json"
PAGE_NAME = "dataset.html"
# Files that the system writes, not the user.
_IGNORED_NAMES = (".DS_Store", ".ipynb_checkpoints", "desktop.ini", "Thumbs.db")
_SEGMENT_FILE = re.compile(r"(train|validation)-\d{5}\.tfrecord")
_REMEDY = "copy the dataset again or prepare it again"


@dataclass(frozen=True, config=STRICT)
class Manifest:
    """Everything about a dataset except its arrays.

    Attributes:
        schema_version: Version of this file's layout.
        ddsp_tf_version: Version of ddsp-tf that wrote it.
        sample_rate: Sample rate of the audio, in Hz.
        frame_rate: Frames per second.
        hop: Samples between two frames.
        extractor: Description of the extractor, `FeatureExtractor.describe()`, with the tracker's
            name, version and settings.
        rules: Treatment of channels, silence and levels, `PreparationRules.describe()`.
        seed: Seed that selected the recordings to hold out.
        validation_share: Share to hold out.
        segment_frames: Number of frames of the longest possible segment.
        fingerprint: Hash of all given recordings and all settings; see
            `ddsp_tf.data.selection.fingerprint`.
        recordings: Measured recordings, in the order in which they were given.
        skipped: Skipped recordings, with reasons.
        statistics: Statistics of the features; see `ddsp_tf.data.statistics.dataset_statistics`.
        checksum: Hash of all other entries, to recognize damage.
        folder: Folder that the dataset was loaded from; not stored.
    """

    schema_version: int
    ddsp_tf_version: str
    sample_rate: int
    frame_rate: int | float
    hop: int
    extractor: dict[str, Any]
    rules: dict[str, Any]
    seed: int
    validation_share: float
    segment_frames: int
    fingerprint: str
    recordings: tuple[Recording, ...]
    skipped: tuple[Recording, ...]
    statistics: dict[str, Any]
    checksum: str = field(default="", compare=False)
    folder: Path | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """Short title for headings: the names of the recordings, or of the first few."""
        names = list(dict.fromkeys(Path(recording.source).stem for recording in self.recordings))
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    @functools.cached_property
    def files(self) -> list[SegmentFile]:
        """All TFRecord files, training files first."""
        files = [file for recording in self.recordings for file in recording.files]
        return sorted(files, key=lambda file: SPLITS.index(file.split))

    def has_split(self, split: str) -> bool:
        """Tells whether a split has recordings."""
        return any(file.split == split for file in self.files)

    def files_of(self, split: str) -> list[SegmentFile]:
        """Lists the TFRecord files of a split, which must not be empty."""
        if split not in SPLITS:
            raise UserError(f"split {split!r}: unknown; expected one of {', '.join(SPLITS)}")
        files = [file for file in self.files if file.split == split]
        if not files:
            raise UserError(
                f"{self.folder or 'dataset'}: the {split} split is empty; prepare the dataset "
                "again with another share or list of validation files"
            )
        return files

    def loaded_folder(self) -> Path:
        """Returns the folder that the manifest was loaded from, or raises a `UserError`."""
        if self.folder is None:
            raise UserError("dataset: this manifest was not loaded from a folder; load it first")
        return self.folder

    def path_of(self, file: SegmentFile) -> Path:
        """Returns the path of one of the files, after comparing its bytes with the manifest.

        A process reads each file for this once, and again only if the file has changed.
        """
        path = self.loaded_folder() / file.name
        try:
            status = path.stat()
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"{path}: cannot be read ({reason}); {_REMEDY}") from error
        # With a coarse clock, successive files of the same name may have the same time.
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        if status.st_size != file.size_bytes:
            found = f"has {status.st_size} bytes; expected {file.size_bytes}"
        elif _sha256_at(path, version) != file.sha256:
            found = "is damaged: its bytes are not those that were written"
        else:
            return path
        raise UserError(f"{path}: {found}; {_REMEDY}")

    def check_rates(self, sample_rate: int, frame_rate: float) -> None:
        """Checks that a model with these rates fits this dataset."""
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
        """Writes `dataset.json` into a folder."""
        content = {**self._content(), "checksum": self._checksum()}
        with atomic_path(Path(folder) / MANIFEST_NAME) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def _content(self) -> dict[str, Any]:
        content = asdict(self)
        for name in ("recordings", "skipped"):
            content[name] = [recording.to_json() for recording in getattr(self, name)]
        del content["folder"], content["checksum"]
        return content

    def _checksum(self) -> str:
        return hashlib.sha256(json.dumps(self._content()).encode()).hexdigest()

    def is_intact(self) -> bool:
        """Tells whether the manifest, loaded from a file, is the one that was saved."""
        return self.checksum == self._checksum()


@dataclass(frozen=True)
class _Version:
    schema_version: int


def load_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads the manifest of a dataset.

    Args:
        folder: Folder of the dataset.

    Returns:
        Manifest with `folder` set.

    Raises:
        UserError: If there is no dataset of this schema, or its manifest is damaged.
    """
    folder = Path(folder)
    path = folder / MANIFEST_NAME
    if not path.is_file():
        found = "no such folder" if not folder.exists() else f"has no {MANIFEST_NAME}"
        raise UserError(f"{folder}: not a dataset ({found}); make one with the prepare command")
    version = read_document(path, _Version, _REMEDY).schema_version
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: schema_version is {version}; this ddsp-tf reads {SCHEMA_VERSION}; prepare "
            "the dataset again"
        )
    manifest = read_document(path, Manifest, _REMEDY)
    if not manifest.is_intact():
        raise UserError(f"{path}: is damaged: its content does not match its checksum; {_REMEDY}")
    return replace(manifest, folder=folder)


def as_manifest(dataset: Manifest | str | os.PathLike) -> Manifest:
    """Returns the manifest of a dataset that is given as a folder or a manifest."""
    return dataset if isinstance(dataset, Manifest) else load_manifest(dataset)


def check_same_extractor(manifests: Sequence[Manifest]) -> None:
    """Refuses to combine datasets whose rates, pitch trackers or other settings differ."""
    first = manifests[0]
    for other in manifests[1:]:
        other.check_rates(first.sample_rate, first.frame_rate)
        for name, value in first.extractor.items():
            if other.extractor.get(name) != value:
                raise UserError(
                    f"{other.folder}: {name} of this dataset is {other.extractor.get(name)} but "
                    f"that of {first.folder} is {value}; prepare one of them again"
                )


@functools.cache
def _sha256_at(path: Path, version: tuple[int, ...]) -> str:
    """Returns the checksum of a file in one of its versions."""
    return file_sha256(path)


def check_replaceable(out: Path) -> None:
    """Checks that nothing but an earlier dataset would be replaced."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out}: is a file; expected a new folder for the dataset")
    names = {entry.name for entry in out.iterdir()}
    ours = {MANIFEST_NAME, PAGE_NAME, *_IGNORED_NAMES}
    try:
        ours |= {file.name for file in load_manifest(out).files}
    except UserError:
        # A dataset of another version, or damaged.
        ours |= {name for name in names if _SEGMENT_FILE.fullmatch(name)}
    foreign = names - ours
    if foreign or (names - set(_IGNORED_NAMES) and MANIFEST_NAME not in names):
        raise UserError(
            f"{out}: holds {min(foreign or names)}, which is not part of a dataset; choose a new "
            "folder"
        )
