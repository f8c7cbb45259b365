"""Reading and writing of segments in TFRecord files.

A record is a `tf.train.Example` of one segment: `audio` (float32 as little-endian bytes), the
features as float lists, `source`, `start_frame`, `hop` and `sample_rate`.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import tensorflow as tf

from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.recordings import Segment, SegmentFile, Split
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FEATURES
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.checksum import file_sha256

SEGMENT_SECONDS = 20.0

Arrays = dict[str, np.ndarray]


def segment_frames(frame_rate: float) -> int:
    """Returns the number of frames of the longest segment."""
    return max(1, int(SEGMENT_SECONDS * frame_rate))


def divided(first: int, last: int, longest: int) -> Iterator[tuple[int, int]]:
    """Divides frames into the fewest ranges of about equal length, without a short remainder.

    Example:
        >>> list(divided(0, 10, 4))
        [(0, 3), (3, 6), (6, 10)]
    """
    count = -(-(last - first) // longest)
    edges = [first + (last - first) * number // max(count, 1) for number in range(count + 1)]
    yield from pairwise(edges)


def write_segments(
    path: Path,
    segments: Iterable[tuple[int, Arrays]],
    *,
    source: str,
    split: Split,
    sample_rate: int,
) -> SegmentFile:
    """Writes segments of a recording to a TFRecord file, one record per segment.

    A segment is its first frame, counted from the start of the recording, and its arrays: `audio`
    [frames * hop] and the features [frames], float32.
    """
    written, voiced = [], 0
    try:
        with atomic_path(path) as temporary:
            with tf.io.TFRecordWriter(os.fsencode(temporary)) as writer:
                for start_frame, arrays in segments:
                    writer.write(_serialized(start_frame, arrays, source, sample_rate))
                    written.append(Segment(start_frame, arrays["f0_hz"].size))
                    voiced += int((arrays["f0_confidence"] >= VOICED_CONFIDENCE).sum())
            size, sha256 = temporary.stat().st_size, file_sha256(temporary)
    except tf.errors.OpError as error:
        raise UserError(f"{path}: cannot be written ({error.message})") from error
    share = round(voiced / sum(segment.frames for segment in written), 4)
    return SegmentFile(path.name, source, split, size, sha256, share, tuple(written))


def _serialized(start_frame: int, arrays: Arrays, source: str, sample_rate: int) -> bytes:
    texts = {"audio": np.asarray(arrays["audio"], "<f4").tobytes(), "source": source.encode()}
    hop = arrays["audio"].size // arrays["f0_hz"].size
    numbers = {"start_frame": start_frame, "hop": hop, "sample_rate": sample_rate}
    feature = tf.train.Feature
    content = {
        **{name: feature(float_list={"value": arrays[name]}) for name in FEATURES},
        **{name: feature(bytes_list={"value": [text]}) for name, text in texts.items()},
        **{name: feature(int64_list={"value": [int(n)]}) for name, n in numbers.items()},
    }
    example = tf.train.Example(features=tf.train.Features(feature=content))
    # Deterministic, because the order of a map's entries would otherwise differ between calls.
    return example.SerializeToString(deterministic=True)


def parse_segment(record: tf.Tensor, hop: int) -> dict[str, tf.Tensor]:
    """Parses a record of a dataset, in a graph or eagerly.

    Returns `audio` [frames, hop], the features [frames], and the scalars `source` and
    `start_frame`.
    """
    text, number = (tf.io.FixedLenFeature([], kind) for kind in (tf.string, tf.int64))
    layout = {"audio": text, "source": text, "start_frame": number}
    for name in FEATURES:
        layout[name] = tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)
    parsed = tf.io.parse_single_example(record, layout)
    audio = tf.io.decode_raw(parsed["audio"], tf.float32, little_endian=True)
    return {**parsed, "audio": tf.reshape(audio, [-1, hop])}


def read_file(path: Path, hop: int, first: int = 0, count: int = -1) -> Iterator[Arrays]:
    """Reads the arrays of `count` segments (by default all), starting with number `first`."""
    records = tf.data.TFRecordDataset(os.fsencode(path)).skip(first).take(count)
    try:
        for record in records:
            parsed = parse_segment(record, hop)
            arrays = {name: parsed[name].numpy() for name in FEATURES}
            yield {**arrays, "audio": parsed["audio"].numpy().reshape(-1)}
    except tf.errors.OpError as error:
        raise UserError(f"{path}: cannot be read ({error.message}); prepare it again") from error


def read_segments(
    manifest: Manifest, file: SegmentFile, first: int = 0, count: int = -1
) -> Iterator[tuple[int, Arrays]]:
    """Reads `count` segments of a file (by default all), starting with number `first`.

    Yields the number of a segment's first frame in the recording, and its arrays: `audio`
    [frames * hop] and the features [frames], float32.
    """
    arrays = read_file(manifest.path_of(file), manifest.hop, first, count)
    for segment, content in zip(file.segments[first:], arrays, strict=False):
        yield segment.start_frame, content


def resegmented(
    segments: Iterable[tuple[int, Arrays]],
    ranges: Iterable[tuple[int, int]],
    longest: int,
    hop: int,
) -> Iterator[tuple[int, Arrays]]:
    """Divides a recording into new segments, which cover given ranges of the old ones."""
    source = iter(segments)
    start, held = next(source)
    for begin, end in ranges:
        for first, last in divided(begin, end, longest):
            while start + held["f0_hz"].size < last:
                passed = min(max(first - start, 0), held["f0_hz"].size)
                before, following = start + held["f0_hz"].size, next(source)
                start, held = start + passed, _cut(held, passed, None, hop)
                # At a gap, all frames in memory have been used.
                start, held = (
                    (start, _joined(held, following[1])) if following[0] == before else following
                )
            yield first, _cut(held, first - start, last - start, hop)


def _cut(arrays: Arrays, first: int, last: int | None, hop: int) -> Arrays:
    return {
        name: values[first * hop : None if last is None else last * hop]
        if name == "audio"
        else values[first:last]
        for name, values in arrays.items()
    }


def _joined(before: Arrays, after: Arrays) -> Arrays:
    return {name: np.concatenate([values, after[name]]) for name, values in before.items()}


def without_gaps(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Groups consecutive segments without gaps between them."""
    groups: list[list[Segment]] = []
    for segment in segments:
        if not groups or groups[-1][-1].end_frame != segment.start_frame:
            groups.append([])
        groups[-1].append(segment)
    return groups


def ranges_of(segments: Iterable[Segment]) -> list[tuple[int, int]]:
    """Joins segments without gaps between them to ranges of frames."""
    return [(group[0].start_frame, group[-1].end_frame) for group in without_gaps(segments)]
