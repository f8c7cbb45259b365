"""Recordings in clips that follow each other, streamed from the shards of a dataset."""

import numpy as np
import tensorflow as tf

from ddsp_tf.data.blocks import Block, as_written, cut_clips, parse_block
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.features.extractor import FEATURES


def count_clips(frames: int, clip_frames: int) -> int:
    """Counts the clips of a recording.

    Args:
        frames: Of the recording.
        clip_frames: Frames of a clip.

    Returns:
        Whole clips, and one more for a remainder that is half a clip or longer or all there is.

    Example:
        >>> [count_clips(frames, clip_frames=100) for frames in (10, 149, 150, 200)]
        [1, 1, 2, 2]
    """
    return max((2 * frames + clip_frames) // (2 * clip_frames), 1)


def consecutive_clips(reader: DatasetReader, clip_frames: int) -> tf.data.Dataset:
    """Gives all recordings of a split, one after the other, in clips that do not overlap.

    Args:
        reader: Of the split.
        clip_frames: Frames of a clip, any number.

    Returns:
        A dataset of dicts: `audio` [clip_frames * hop], the features [clip_frames], `source`,
        `start_frame` and `valid_frames`, the frames before padding with silence.
    """
    last = np.concatenate([np.arange(len(rows)) == len(rows) - 1 for rows in reader.rows])
    recordings = np.repeat(np.arange(len(reader.rows)), [len(rows) for rows in reader.rows])
    first_frames = np.array([file.start_frame for file in reader.files], np.int64)[recordings]
    records = tf.data.Dataset.from_tensor_slices(reader.shard_paths())
    records = records.flat_map(tf.data.TFRecordDataset)
    ends = tf.data.Dataset.from_tensor_slices((first_frames, last))
    nothing = Block(tf.zeros([0, reader.hop]), tf.zeros([0, len(FEATURES)]))

    @as_written
    def cut(
        remainder: Block, element: tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]
    ) -> tuple[Block, dict[str, tf.Tensor]]:
        record, (first_frame, is_last) = element
        block, source, start_frame = parse_block(record, reader.hop)
        start_frame -= tf.shape(remainder.curves, tf.int64)[0]
        block = Block(*(tf.concat(both, axis=0) for both in zip(remainder, block, strict=True)))
        frames = tf.shape(block.curves, tf.int64)[0]
        count = frames // clip_frames
        rest = frames - count * clip_frames
        alone = (count == 0) & (start_frame == first_frame)
        padded = is_last & (rest > 0) & (alone | (2 * rest >= clip_frames))
        starts = clip_frames * tf.range(count + tf.cast(padded, tf.int64))
        clips = {
            **cut_clips(block, starts, clip_frames),
            "source": tf.fill(tf.shape(starts), source),
            "start_frame": start_frame + starts,
            "valid_frames": tf.minimum(frames - starts, clip_frames),
        }
        used = tf.where(is_last, frames, count * clip_frames)
        return Block(*(values[used:] for values in block)), clips

    clips = tf.data.Dataset.zip((records, ends)).scan(nothing, cut).unbatch()
    count = sum(count_clips(file.frames, clip_frames) for file in reader.files)
    return clips.apply(tf.data.experimental.assert_cardinality(count))
