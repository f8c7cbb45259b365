"""Records as TensorFlow sees them: blocks of frames, from which clips are cut."""

from collections.abc import Callable

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


def parse_block(record: tf.Tensor, hop: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Parses a record of a dataset.

    Args:
        record: A serialized `tf.train.Example`, see `ddsp_tf.data.records`.
        hop: Samples between two frames.

    Returns:
        The block, float32 [frames, hop + features]: the samples of a frame, then its features;
        the source, a string; and the first frame's number in the recording, int64.
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
    features = [parsed[name][:, None] for name in FEATURES]
    block = tf.concat([tf.reshape(audio, [-1, hop]), *features], axis=1)
    return block, parsed["source"], parsed["start_frame"]


def cut_clips(block: tf.Tensor, starts: tf.Tensor, clip_frames: int) -> dict[str, tf.Tensor]:
    """Cuts clips out of a block.

    A clip that goes on behind the block is silent there: audio 0, levels at the floor,
    confidence 0, and pitch held.

    Args:
        block: [frames, hop + features], at least one frame.
        starts: First frames of the clips [clips], int64.
        clip_frames: Frames of a clip.

    Returns:
        `audio` [clips, clip_frames * hop] and the features [clips, clip_frames].
    """
    hop = block.shape[1] - len(FEATURES)
    frames = tf.shape(block, tf.int64)[0]
    levels = {"f0_confidence": 0.0, "loudness_db": FLOOR_DB, "power_db": FLOOR_DB}
    silence = [
        block[-1, hop + number] if name == "f0_hz" else levels[name]
        for number, name in enumerate(FEATURES)
    ]
    silent_frame = tf.concat([tf.zeros([hop]), tf.stack(silence)], axis=0)
    block = tf.concat([block, silent_frame[None]], axis=0)
    places = starts[:, None] + tf.range(clip_frames, dtype=tf.int64)
    clips = tf.gather(block, tf.minimum(places, frames))
    arrays = {"audio": tf.reshape(clips[:, :, :hop], [-1, clip_frames * hop])}
    for number, name in enumerate(FEATURES):
        arrays[name] = clips[:, :, hop + number]
    return arrays
