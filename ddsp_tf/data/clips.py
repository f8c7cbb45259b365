"""Cutting of clips from segments, and of recordings into consecutive clips, in TensorFlow."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.segments import parse_segment, without_gaps
from ddsp_tf.features.extractor import FEATURES
from ddsp_tf.features.loudness import FLOOR_DB


def no_autograph(function: Callable) -> Callable:
    """Marks a function of a dataset as one without control flow for AutoGraph to convert.

    Converting the source of all functions takes longer than everything else before the first
    element of a dataset.
    """
    return tf.autograph.experimental.do_not_convert(function)


def labelling(mixture: Sequence[float]) -> Callable:
    """Returns a function that adds the weights of instruments to a clip: "instrument" [1, n]."""
    weights = tf.constant([[float(weight) for weight in mixture]])
    return no_autograph(lambda clip: {**clip, "instrument": weights})


class Frames(NamedTuple):
    """Consecutive frames of a recording: audio [frames, hop] and curves [frames, features]."""

    audio: tf.Tensor
    curves: tf.Tensor


def frames_of(record: tf.Tensor, hop: int) -> tuple[Frames, tf.Tensor, tf.Tensor]:
    """Parses a record: its frames, its source, and the number of its first frame."""
    parsed = parse_segment(record, hop)
    curves = tf.stack([parsed[name] for name in FEATURES], axis=1)
    return Frames(parsed["audio"], curves), parsed["source"], parsed["start_frame"]


def cut_clips(frames: Frames, starts: tf.Tensor, clip_frames: int) -> dict[str, tf.Tensor]:
    """Cuts clips out of frames: `audio` [clips, clip_frames * hop], features [clips, clip_frames].

    A clip that reaches beyond the last frame is silent there: audio 0, levels at the floor,
    confidence 0, and pitch held.
    """
    hop = frames.audio.shape[1]
    count = tf.shape(frames.curves, tf.int64)[0]
    levels = {"f0_confidence": 0.0, "loudness_db": FLOOR_DB, "power_db": FLOOR_DB}
    silence = [
        frames.curves[-1, number] if name == "f0_hz" else levels[name]
        for number, name in enumerate(FEATURES)
    ]
    curves = tf.concat([frames.curves, tf.stack(silence)[None]], axis=0)
    places = starts[:, None] + tf.range(clip_frames, dtype=tf.int64)
    clips = tf.gather(curves, tf.minimum(places, count))
    # Audio is far larger than the curves, so it is copied only if silence follows.
    last = tf.reduce_max(tf.pad(starts, [[0, 1]]))
    missing = tf.maximum(last + clip_frames - count, 0)
    audio = tf.pad(frames.audio, [[0, missing], [0, 0]])
    return {
        "audio": tf.reshape(tf.gather(audio, places), [-1, clip_frames * hop]),
        **{name: clips[:, :, number] for number, name in enumerate(FEATURES)},
    }


def count_clips(frames: int, clip_frames: int) -> int:
    """Counts whole clips, plus one for a remainder of half a clip or more, or if it is all."""
    return max((2 * frames + clip_frames) // (2 * clip_frames), 1)


def consecutive_clips(manifest: Manifest, split: str, clip_frames: int) -> tf.data.Dataset:
    """Returns all recordings of a split in sequence, in clips that do not overlap.

    Elements are dictionaries: `audio` [clip_frames * hop], the features [clip_frames], `source`,
    `start_frame`, and `valid_frames`, the frames before the padding with silence.
    """
    files = manifest.files_of(split)
    paths = [os.fsencode(manifest.path_of(file)) for file in files]
    hop = manifest.hop
    # Consecutive segments without a gap are cut as if they were one.
    ranges = [part for file in files for part in without_gaps(file.segments)]
    first_frames = np.concatenate(
        [np.full(len(part), part[0].start_frame, np.int64) for part in ranges]
    )
    last = np.concatenate([np.arange(len(part)) == len(part) - 1 for part in ranges])
    records = tf.data.TFRecordDataset(paths)
    ends = tf.data.Dataset.from_tensor_slices((first_frames, last))
    nothing = Frames(tf.zeros([0, hop]), tf.zeros([0, len(FEATURES)]))

    @no_autograph
    def cut(
        remainder: Frames, element: tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]
    ) -> tuple[Frames, dict[str, tf.Tensor]]:
        record, (first_frame, is_last) = element
        segment, source, start_frame = frames_of(record, hop)
        start_frame -= tf.shape(remainder.curves, tf.int64)[0]
        held = Frames(*(tf.concat(both, axis=0) for both in zip(remainder, segment, strict=True)))
        frames = tf.shape(held.curves, tf.int64)[0]
        count = frames // clip_frames
        rest = frames - count * clip_frames
        alone = (count == 0) & (start_frame == first_frame)
        padded = is_last & (rest > 0) & (alone | (2 * rest >= clip_frames))
        starts = clip_frames * tf.range(count + tf.cast(padded, tf.int64))
        clips = {
            **cut_clips(held, starts, clip_frames),
            "source": tf.fill(tf.shape(starts), source),
            "start_frame": start_frame + starts,
            "valid_frames": tf.minimum(frames - starts, clip_frames),
        }
        used = tf.where(is_last, frames, count * clip_frames)
        return Frames(*(values[used:] for values in held)), clips

    clips = tf.data.Dataset.zip((records, ends)).scan(nothing, cut).unbatch()
    count = sum(count_clips(sum(one.frames for one in part), clip_frames) for part in ranges)
    return clips.apply(tf.data.experimental.assert_cardinality(count))
