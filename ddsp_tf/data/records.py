"""TFRecord files of audio and features, written for everybody, read at any place.

A record is a `tf.train.Example` of a stretch of one recording: `audio` (float32 as little-endian
bytes), the features as float lists, `source`, `start_frame`, `hop` and `sample_rate`. Arrays lie
in it as they are in memory, so with an index of where they begin, any stretch of a recording can
be read without the rest of its record.
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ddsp_tf.data.tfrecord import encode_example, write_record
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
# TFRecord: length (8 bytes) and its checksum (4) stand before the record.
_BEFORE = 12


def segments(first: int, last: int, longest: int) -> Iterator[tuple[int, int]]:
    """Cuts frames into the fewest pieces of about equal length: no short remainder.

    Args:
        first: First frame.
        last: The frame after the last.
        longest: Frames of a piece, at most.

    Yields:
        First frame of a piece, and the frame after its last.

    Example:
        >>> list(segments(0, 10, 4))
        [(0, 3), (3, 6), (6, 10)]
    """
    count = -(-(last - first) // longest)
    for number in range(count):
        yield (
            first + (last - first) * number // count,
            first + (last - first) * (number + 1) // count,
        )


def write_records(
    path: Path, pieces: Iterable[tuple[int, dict[str, np.ndarray]]], source: str, sample_rate: int
) -> np.ndarray:
    """Writes pieces of a recording, a record each.

    Args:
        path: The TFRecord file to write.
        pieces: For each its first frame, counted from the start of the recording, and its
            `audio` [frames * hop] and features [frames], float32.
        source: Name of the recording.
        sample_rate: In Hz.

    Returns:
        One row of `INDEX_DTYPE` a record; `start_frame` counts from the start of the recording,
        the arrays' fields are byte offsets in the file, `file` and `shard` are 0.

    Raises:
        OSError: If the file cannot be written.
    """
    rows = []
    place = 0
    with open(path, "wb") as file:
        for start_frame, arrays in pieces:
            frames = arrays["f0_hz"].size
            record, offsets = encode_example(
                {
                    **{name: np.asarray(arrays[name], "<f4") for name in FEATURES},
                    "audio": np.asarray(arrays["audio"], "<f4").tobytes(),
                    "source": source.encode(),
                    "start_frame": int(start_frame),
                    "hop": arrays["audio"].size // frames,
                    "sample_rate": int(sample_rate),
                }
            )
            places = [place + _BEFORE + offsets[name] for name in ARRAYS]
            rows.append((0, 0, start_frame, frames, *places))
            place += write_record(file, record)
    return np.array(rows, INDEX_DTYPE)


def read_stretch(
    file: io.FileIO, row: np.void, first: int, into: dict[str, np.ndarray], at: int, count: int
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
        target = into[name][at * scale : (at + count) * scale].data.cast("B")
        file.seek(int(row[name]) + 4 * scale * first)
        if file.readinto(target) != len(target):
            raise OSError(f"{file.name}: ends too early; prepare the dataset again")


def read_frames(
    paths: list[Path], rows: np.ndarray, hop: int, first: int, count: int
) -> dict[str, np.ndarray]:
    """Reads frames that may lie in several records.

    Args:
        paths: TFRecord files, one for each number in the rows' `shard`.
        rows: Records that follow each other without a gap.
        hop: Samples between two frames.
        first: First frame wanted, counted as the rows' `start_frame`.
        count: Frames to read.

    Returns:
        `audio` [count * hop] and the features [count], float32.

    Raises:
        OSError: If a file cannot be read.
    """
    arrays = {
        name: np.empty(count * (hop if name == "audio" else 1), np.float32) for name in ARRAYS
    }
    done = 0
    while done < count:
        number = int(np.searchsorted(rows["start_frame"], first + done, side="right")) - 1
        row = rows[number]
        inside = first + done - int(row["start_frame"])
        size = min(count - done, int(row["frames"]) - inside)
        with open(paths[int(row["shard"])], "rb", buffering=0) as file:
            read_stretch(file, row, inside, arrays, done, size)
        done += size
    return arrays


def stretches(rows: np.ndarray) -> list[tuple[int, int]]:
    """Lists the stretches of a recording that its records hold.

    Args:
        rows: Of one recording, in order of time.

    Returns:
        First frame and the frame after the last of each run of records without a gap.
    """
    found: list[tuple[int, int]] = []
    for row in rows:
        first, last = int(row["start_frame"]), int(row["start_frame"] + row["frames"])
        if found and found[-1][1] == first:
            first = found.pop()[0]
        found.append((first, last))
    return found
