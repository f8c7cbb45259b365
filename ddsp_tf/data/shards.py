"""Measured recordings on their way into the shards of a dataset."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ddsp_tf.data.manifest import INDEX_NAME, SPLITS, Shard, SourceFile
from ddsp_tf.data.records import ARRAYS, read_recording, write_records
from ddsp_tf.data.selection import Candidate
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

SEGMENT_SECONDS = 20.0
_SHARD_BYTES = 1 << 27


@dataclass(frozen=True)
class Part:
    """A recording, or a part of one, in a TFRecord file of its own.

    Attributes:
        path: The file; it goes away when its records are in a shard.
        rows: Its index, one row of `INDEX_DTYPE` a record.
        candidate: The recording.
        split: "train" or "validation".
        voiced_share: Share of its frames with a confidence of 0.5 or more.
    """

    path: Path
    rows: np.ndarray
    candidate: Candidate
    split: str
    voiced_share: float


def segment_frames(extractor: FeatureExtractor) -> int:
    """Gives the frames of the longest record."""
    return max(1, int(SEGMENT_SECONDS * extractor.frame_rate))


def write_part(
    path: Path,
    arrays: dict[str, np.ndarray],
    candidate: Candidate,
    extractor: FeatureExtractor,
    split: str = "train",
    start_frame: int = 0,
) -> Part:
    """Writes a measured recording to a file of its own.

    Args:
        path: The file to write.
        arrays: `audio` [frames * hop] and features [frames].
        candidate: The recording.
        extractor: That measured it.
        split: "train" or "validation".
        start_frame: Frame of the recording that comes first.

    Returns:
        The part.

    Raises:
        OSError: If the file cannot be written.
    """
    rows = write_records(
        path,
        arrays,
        source=candidate.source,
        start_frame=start_frame,
        sample_rate=extractor.sample_rate,
        segment_frames=segment_frames(extractor),
    )
    voiced_share = float(np.mean(arrays["f0_confidence"] >= VOICED_CONFIDENCE))
    return Part(path, rows, candidate, split, voiced_share)


def split_in_time(
    part: Part, extractor: FeatureExtractor, share: float, minimum_seconds: float
) -> list[Part]:
    """Divides a recording into a training part and, at its end, a validation part.

    Args:
        part: The recording; its file is replaced by two.
        extractor: That measured it.
        share: Of the recording that goes to validation.
        minimum_seconds: Least length of either part; a recording too short for that is left
            whole, for training.

    Returns:
        The two parts, or the one.
    """
    arrays = read_recording(part.path, part.rows, extractor.hop)
    frames = arrays["f0_hz"].size
    least = round(minimum_seconds * extractor.frame_rate)
    boundary = frames - max(round(share * frames), least)
    if boundary < least:
        return [part]
    part.path.unlink()
    pieces = []
    for split, first, last in (("train", 0, boundary), ("validation", boundary, frames)):
        piece = {}
        for name, values in arrays.items():
            scale = values.size // frames
            piece[name] = values[first * scale : last * scale]
        path = part.path.with_name(f"{part.path.name}-{split}")
        pieces.append(write_part(path, piece, part.candidate, extractor, split, first))
    return pieces


def assemble(
    parts: list[Part], folder: Path, frame_rate: float
) -> tuple[list[Shard], list[SourceFile]]:
    """Joins parts into shards of some 100 MB, and writes the index.

    Args:
        parts: All recordings; their files are removed.
        folder: Of the dataset.
        frame_rate: Frames a second.

    Returns:
        The shards, and the recordings in the order of their numbers in the index.
    """
    shards, files, index = [], [], []
    for split in SPLITS:
        groups = _groups([part for part in parts if part.split == split])
        for number, group in enumerate(groups):
            name = f"{split}-{number:05d}-of-{len(groups):05d}.tfrecord"
            place = 0
            with open(folder / name, "wb") as shard:
                for part in group:
                    rows = part.rows.copy()
                    rows["file"], rows["shard"] = len(files), len(shards)
                    for array in ARRAYS:
                        rows[array] += place
                    index.append(rows)
                    files.append(_source_file(part, frame_rate))
                    place += part.path.stat().st_size
                    with open(part.path, "rb") as records:
                        shutil.copyfileobj(records, shard, 1 << 20)
                    part.path.unlink()
            shards.append(Shard(name, split, sum(len(part.rows) for part in group), place))
    np.save(folder / INDEX_NAME, np.concatenate(index))
    return shards, files


def _groups(parts: list[Part]) -> list[list[Part]]:
    """Puts parts together, in order, until a shard is large enough."""
    groups: list[list[Part]] = []
    size = _SHARD_BYTES
    for part in parts:
        if size >= _SHARD_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(part)
        size += part.path.stat().st_size
    return groups


def _source_file(part: Part, frame_rate: float) -> SourceFile:
    frames = int(part.rows["frames"].sum())
    return SourceFile(
        source=part.candidate.source,
        sha256=part.candidate.sha256,
        split=part.split,
        start_frame=int(part.rows["start_frame"][0]),
        frames=frames,
        duration_seconds=round(frames / frame_rate, 6),
        voiced_share=round(part.voiced_share, 4),
    )
