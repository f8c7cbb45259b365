"""Measured recordings on their way into the shards of a dataset."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ddsp_tf.data.manifest import INDEX_NAME, SPLITS, Shard, SourceFile
from ddsp_tf.data.measuring import segment_frames
from ddsp_tf.data.parts import Part
from ddsp_tf.data.records import ARRAYS, read_frames, segments, stretches, write_records
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

_SHARD_BYTES = 1 << 27


def copy_stretches(
    path: Path,
    spans: list[tuple[int, int]],
    shards: list[Path],
    rows: np.ndarray,
    source: str,
    extractor: FeatureExtractor,
) -> np.ndarray:
    """Writes stretches of a measured recording to a file, cut into records anew.

    Args:
        path: The file to write.
        spans: First frame and the frame after the last of each stretch.
        shards: Where the records are now, one file for each number in the rows' `shard`.
        rows: Their index.
        source: Name of the recording.
        extractor: That measured it.

    Returns:
        The index of what was written.

    Raises:
        OSError: If a file cannot be read or written.
    """

    def pieces() -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        for span in spans:
            for first, last in segments(*span, segment_frames(extractor.frame_rate)):
                yield first, read_frames(shards, rows, extractor.hop, first, last - first)

    return write_records(path, pieces(), source, extractor.sample_rate)


def split_in_time(
    part: Part, folder: Path, extractor: FeatureExtractor, share: float, minimum_seconds: float
) -> list[Part]:
    """Divides a recording into a training part and, at its end, a validation part.

    Args:
        part: The recording.
        folder: Gets a file for each of the two.
        extractor: That measured it.
        share: Of what is kept of the recording, that goes to validation.
        minimum_seconds: Least length of either part; a recording too short for that is left
            whole, for training.

    Returns:
        The two parts, or the one.

    Raises:
        OSError: If a file cannot be written.
    """
    spans = stretches(part.rows)
    frames = sum(last - first for first, last in spans)
    least = round(minimum_seconds * extractor.frame_rate)
    boundary = frames - max(round(share * frames), least)
    if boundary < least:
        return [part]
    pieces = []
    for split, begin, end in (("train", 0, boundary), ("validation", boundary, frames)):
        path = folder / f"{part.path.name}-{split}"
        rows = copy_stretches(
            path, _within(spans, begin, end), [part.path], part.rows, part.recording.source,
            extractor,
        )  # fmt: skip
        pieces.append(replace(part, path=path, rows=rows, split=split))
    return pieces


def _within(spans: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """Cuts stretches to those frames whose number, counted over all stretches, is in a range."""
    found, passed = [], 0
    for first, last in spans:
        low, high = max(begin - passed, 0), min(end - passed, last - first)
        if low < high:
            found.append((first + low, first + high))
        passed += last - first
    return found


def assemble(
    parts: list[Part], folder: Path, extractor: FeatureExtractor
) -> tuple[list[Shard], list[SourceFile]]:
    """Joins parts into shards of some 100 MB, and writes the index.

    Args:
        parts: All recordings; their files stay.
        folder: Of the dataset.
        extractor: That measured them.

    Returns:
        The shards, and the stretches in the order of their numbers in the index.

    Raises:
        OSError: If a file cannot be read or written.
    """
    shards, files, index = [], [], []
    for split in SPLITS:
        groups = _groups([part for part in parts if part.split == split])
        for number, group in enumerate(groups):
            name = f"{split}-{number:05d}-of-{len(groups):05d}.tfrecord"
            place, digest = 0, hashlib.sha256()
            with open(folder / name, "wb") as shard:
                for part in group:
                    for span in stretches(part.rows):
                        inside = (part.rows["start_frame"] >= span[0]) & (
                            part.rows["start_frame"] < span[1]
                        )
                        rows = part.rows[inside]
                        files.append(_source_file(part, rows, extractor))
                        rows["file"], rows["shard"] = len(files) - 1, len(shards)
                        for array in ARRAYS:
                            rows[array] += place
                        index.append(rows)
                    for block in _blocks(part.path):
                        shard.write(block)
                        digest.update(block)
                        place += len(block)
            records = sum(len(part.rows) for part in group)
            shards.append(Shard(name, split, records, place, digest.hexdigest()))
    np.save(folder / INDEX_NAME, np.concatenate(index))
    return shards, files


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block


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


def _source_file(part: Part, rows: np.ndarray, extractor: FeatureExtractor) -> SourceFile:
    voiced = frames = 0
    for row in rows:
        frames += int(row["frames"])
        with open(part.path, "rb") as file:
            confidence = np.fromfile(
                file, "<f4", int(row["frames"]), offset=int(row["f0_confidence"])
            )
        voiced += int((confidence >= VOICED_CONFIDENCE).sum())
    return SourceFile(
        source=part.recording.source,
        sha256=part.recording.sha256,
        split=part.split,
        start_frame=int(rows["start_frame"][0]),
        frames=frames,
        duration_seconds=round(frames / extractor.frame_rate, 6),
        voiced_share=round(voiced / frames, 4),
    )
