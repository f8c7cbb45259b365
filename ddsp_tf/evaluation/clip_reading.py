"""Iteration over the clips of parts of datasets."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ddsp_tf.data.pipeline import clips
from ddsp_tf.evaluation.held_out import Part
from ddsp_tf.files.names import printable


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip of a recording.

    Attributes:
        number: Position among all clips of all parts; also the seed of the render's noise.
        name: Recording and the clip's position in it, such as "violin.flac 0.0-4.0 s".
        part: Index of the clip's part.
        features: Features by name, [frames] each, and "instrument" [1, instruments] if there are
            several.
        audio: Audio [frames * hop].
    """

    number: int
    name: str
    part: int
    features: dict[str, np.ndarray]
    audio: np.ndarray


def count_clips(parts: Sequence[Part], clip_frames: int) -> int:
    """Counts the clips of parts of datasets.

    Args:
        parts: The parts.
        clip_frames: Frames of a clip.

    Returns:
        Number of clips, 1 or more.

    Raises:
        UserError: If a part has no recording, or its dataset is incomplete.
    """
    return sum(int(stream.cardinality()) for _, stream in _streams(parts, clip_frames))


def read_clips(parts: Sequence[Part], clip_frames: int) -> Iterator[Clip]:
    """Reads the clips of parts of datasets, in constant memory.

    Args:
        parts: The parts.
        clip_frames: Frames of a clip; the last clip of a recording may have fewer.

    Yields:
        Clips in order of part, split, recording and time.
    """
    number = 0
    for part, stream in _streams(parts, clip_frames):
        hop, frame_rate = parts[part].manifest.hop, parts[part].manifest.frame_rate
        for features, audio, about in stream.as_numpy_iterator():
            frames = int(about["valid_frames"][0])
            start = int(about["start_frame"][0]) / frame_rate
            source = printable(about["source"][0].decode("utf-8", "surrogateescape"))
            yield Clip(
                number=number,
                name=f"{source} {start:.1f}-{start + frames / frame_rate:.1f} s",
                part=part,
                features={name: values[0, :frames] for name, values in features.items()},
                audio=audio[0, : frames * hop],
            )
            number += 1


def _streams(parts: Sequence[Part], clip_frames: int) -> list[tuple[int, tf.data.Dataset]]:
    choice: dict[str, Any] = {"clip_frames": clip_frames, "with_sources": True}
    return [
        (number, clips(part.manifest, split=split, instrument=part.mixture, **choice))
        for number, part in enumerate(parts)
        for split in part.splits
    ]
