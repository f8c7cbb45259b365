"""Records as TensorFlow sees them: blocks of frames, from which clips are cut."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ddsp_tf.features.extractor import FEATURES
from ddsp_tf.features.loudness import FLOOR_DB


def as_written(function: Callable) -> Callable:
    """Marks a function of a dataset as one without control flow for AutoGraph to convert.

    Reading and rewriting the source of every function takes longer than all else that a dataset
    does before its first element.

    Args:
        function: Takes and returns tensors, or datasets.

    Returns:
        A function that does the same.

    Example:
        >>> double = as_written(lambda number: 2 * number)
        >>> [int(number) for number in tf.data.Dataset.range(3).map(double)]
        [0, 2, 4]
    """
    return tf.autograph.experimental.do_not_convert(function)


class Block(NamedTuple):
    """Consecutive frames of a recording.

    Attributes:
        audio: [frames, hop], the samples of each frame.
        curves: [frames, features], in the order of `FEATURES`.
    """

    audio: tf.Tensor
    curves: tf.Tensor


def parse_block(record: tf.Tensor, hop: int) -> tuple[Block, tf.Tensor, tf.Tensor]:
    """Parses a record of a dataset.

    Args:
        record: A serialized `tf.train.Example`, see `ddsp_tf.data.records`.
        hop: Samples between two frames.

    Returns:
        The block; the source, a string; and the first frame's number in the recording, int64.
    """
    layout = {
        "audio": tf.io.FixedLenFeature([], tf.string),
        "source": tf.io.FixedLenFeature([], tf.string),
        "start_frame": tf.io.FixedLenFeature([], tf.int64),
    }
    for name in FEATURES:
        layout[name] = tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True)
    parsed = tf.io.parse_single_example(record, layout)
    audio = tf.io.decode_raw(parsed["audio"], tf.float32, little_endian=True)
    curves = tf.stack([parsed[name] for name in FEATURES], axis=1)
    block = Block(tf.reshape(audio, [-1, hop]), curves)
    return block, parsed["source"], parsed["start_frame"]


def cut_clips(block: Block, starts: tf.Tensor, clip_frames: int) -> dict[str, tf.Tensor]:
    """Cuts clips out of a block.

    A clip that goes on behind the block is silent there: audio 0, levels at the floor,
    confidence 0, and pitch held.

    Args:
        block: Of at least one frame.
        starts: First frames of the clips [clips], int64.
        clip_frames: Frames of a clip.

    Returns:
        `audio` [clips, clip_frames * hop] and the features [clips, clip_frames].
    """
    hop = block.audio.shape[1]
    frames = tf.shape(block.curves, tf.int64)[0]
    levels = {"f0_confidence": 0.0, "loudness_db": FLOOR_DB, "power_db": FLOOR_DB}
    silence = [
        block.curves[-1, number] if name == "f0_hz" else levels[name]
        for number, name in enumerate(FEATURES)
    ]
    curves = tf.concat([block.curves, tf.stack(silence)[None]], axis=0)
    places = starts[:, None] + tf.range(clip_frames, dtype=tf.int64)
    clips = tf.gather(curves, tf.minimum(places, frames))
    # Audio is far larger than the curves: it is copied only where silence follows.
    last = tf.reduce_max(tf.pad(starts, [[0, 1]]))
    missing = tf.maximum(last + clip_frames - frames, 0)
    audio = tf.pad(block.audio, [[0, missing], [0, 0]])
    return {
        "audio": tf.reshape(tf.gather(audio, places), [-1, clip_frames * hop]),
        **{name: clips[:, :, number] for number, name in enumerate(FEATURES)},
    }
