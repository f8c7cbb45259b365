"""TFRecord files of audio and features, written for everybody, read at any place.

A record is a `tf.train.Example` of a stretch of one recording: `audio` (float32 as little-endian
bytes), the features as float lists, `source`, `start_frame`, `hop` and `sample_rate`. Arrays lie
in it as they are in memory, so with an index of where they begin, any stretch of a recording can
be read without the rest of its record.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ddsp_tf.features.extractor import FEATURES

ARRAYS = ("audio", *FEATURES)
INDEX_DTYPE = np.dtype(
    [
        ("file", "<i8"),
        ("shard", "<i8"),
        ("start_frame", "<i8"),
        ("frames", "<i8"),
        *((name, "<i8") for name in ARRAYS),
    ]
)
# TFRecord: length (8 bytes) and its checksum (4), then the record, then its checksum (4).
_BEFORE, _AROUND = 12, 16


def write_records(
    path: Path,
    arrays: dict[str, np.ndarray],
    *,
    source: str,
    start_frame: int,
    sample_rate: int,
    segment_frames: int,
) -> np.ndarray:
    """Writes a recording as records of about equal length.

    Args:
        path: The TFRecord file to write.
        arrays: `audio` [frames * hop] and the features [frames], float32.
        source: Name of the recording.
        start_frame: Its frame that comes first here.
        sample_rate: In Hz.
        segment_frames: Frames of a record, at most.

    Returns:
        One row of `INDEX_DTYPE` a record; `start_frame` counts from the start of the recording,
        the arrays' fields are byte offsets in the file, `file` and `shard` are 0.

    Raises:
        OSError: If the file cannot be written.
    """
    import tensorflow as tf

    arrays = {name: np.ascontiguousarray(arrays[name], "<f4") for name in ARRAYS}
    frames = arrays["f0_hz"].size
    rows = []
    place = 0
    try:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for first, last in _segments(frames, segment_frames):
                piece = {}
                for name, values in arrays.items():
                    scale = values.size // frames
                    piece[name] = values[first * scale : last * scale]
                record = _example(piece, source, start_frame + first, sample_rate)
                places = [place + _BEFORE + record.index(piece[name].tobytes()) for name in ARRAYS]
                rows.append((0, 0, start_frame + first, last - first, *places))
                writer.write(record)
                place += len(record) + _AROUND
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return np.array(rows, INDEX_DTYPE)


def _segments(frames: int, longest: int) -> Iterator[tuple[int, int]]:
    """Cuts frames into the fewest pieces of about equal length: no short remainder."""
    count = -(-frames // longest)
    for number in range(count):
        yield frames * number // count, frames * (number + 1) // count


def _example(
    piece: dict[str, np.ndarray], source: str, start_frame: int, sample_rate: int
) -> bytes:
    """Serializes one record."""
    from tensorflow.train import BytesList, Example, Feature, Features, FloatList, Int64List

    feature = {
        "audio": Feature(bytes_list=BytesList(value=[piece["audio"].tobytes()])),
        "source": Feature(bytes_list=BytesList(value=[source.encode()])),
    }
    for name in FEATURES:
        feature[name] = Feature(float_list=FloatList(value=piece[name]))
    hop = piece["audio"].size // piece["f0_hz"].size
    for name, value in (("start_frame", start_frame), ("hop", hop), ("sample_rate", sample_rate)):
        feature[name] = Feature(int64_list=Int64List(value=[value]))
    return Example(features=Features(feature=feature)).SerializeToString()


def read_stretch(
    file: IO[bytes], row: np.void, first: int, into: dict[str, np.ndarray], at: int, count: int
) -> None:
    """Reads some frames of one record into arrays.

    Args:
        file: The TFRecord file, opened unbuffered.
        row: The record's row of the index.
        first: First frame wanted, counted from the record's start.
        into: Contiguous float32 arrays: audio [n * hop] and features [n] each.
        at: Frame of `into` to begin at.
        count: Frames to read.

    Raises:
        OSError: If the file ends too early.
    """
    hop = into["audio"].size // into["f0_hz"].size
    for name in ARRAYS:
        scale = hop if name == "audio" else 1
        target = memoryview(into[name][at * scale : (at + count) * scale]).cast("B")
        file.seek(int(row[name]) + 4 * scale * first)
        if file.readinto(target) != len(target):
            raise OSError(f"{file.name}: ends too early; prepare the dataset again")


def read_recording(path: Path, rows: np.ndarray, hop: int) -> dict[str, np.ndarray]:
    """Reads all records of a file that `write_records` wrote.

    Args:
        path: The file.
        rows: Its index.
        hop: Samples between two frames.

    Returns:
        `audio` [frames * hop] and the features [frames], float32.
    """
    frames = int(rows["frames"].sum())
    arrays = {
        name: np.empty(frames * (hop if name == "audio" else 1), np.float32) for name in ARRAYS
    }
    at = 0
    with open(path, "rb", buffering=0) as file:
        for row in rows:
            read_stretch(file, row, 0, arrays, at, int(row["frames"]))
            at += int(row["frames"])
    return arrays
