"""Batches of a prepared dataset, as `tf.data` datasets.

Everything in them is TensorFlow's own operations: Python functions that a dataset calls ahead of
time compete with the training loop for the interpreter, and can hang it at exit.
"""

import os

import tensorflow as tf

from ddsp_tf.data.clips import consecutive_clips
from ddsp_tf.data.crops import random_crops
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.errors import UserError


def training_batches(
    dataset: Manifest | str | os.PathLike,
    *,
    clip_frames: int,
    batch_size: int,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Gives random crops of the training split, forever; see `random_crops` for their choice.

    Batch number s depends on nothing but the dataset, `clip_frames`, `batch_size`, `seed` and s:
    a training that was stopped before step s goes on exactly with `first_step=s`. To get there,
    the crops of at most one epoch are read and passed over. Memory does not grow with the
    dataset. Recordings shorter than a crop are followed by silence.

    Args:
        dataset: A manifest or the folder of a dataset.
        clip_frames: Frames of a crop, at most those of a record (20 s).
        batch_size: Crops in a batch.
        seed: Decides order and places of the crops.
        first_step: Number of the batch to begin with.

    Returns:
        An endless dataset of dicts: `audio` [batch, clip_frames * hop], `f0_hz`,
        `f0_confidence`, `loudness_db`, `power_db` [batch, clip_frames], all float32; `source`
        [batch], strings; `start_frame` [batch], int64, counted from the start of the recording.

    Raises:
        UserError: If the split is empty, the dataset is incomplete, or a size is out of range.
    """
    _check_positive(clip_frames=clip_frames, batch_size=batch_size, first_step=first_step + 1)
    reader = DatasetReader(dataset, "train")
    longest = max(int(rows["frames"].max()) for rows in reader.rows)
    if clip_frames > max(longest, reader.manifest.segment_frames // 2):
        raise UserError(
            f"clip_frames {clip_frames}: the longest record of {reader.folder} has {longest} "
            "frames; choose shorter clips"
        )
    crops = random_crops(reader, clip_frames, seed, first_step * batch_size)
    return crops.batch(batch_size, drop_remainder=True).prefetch(4)


def clips(
    dataset: Manifest | str | os.PathLike, *, split: str, clip_frames: int, batch_size: int = 1
) -> tf.data.Dataset:
    """Gives the recordings of a split from start to end, in clips that do not overlap.

    What remains at the end of a recording is padded with silence to a full clip if it is half a
    clip or longer, or if it is all there is; otherwise it is left out.

    Args:
        dataset: A manifest or the folder of a dataset.
        split: "train" or "validation".
        clip_frames: Frames of a clip, any number.
        batch_size: Clips in a batch; the last batch may have fewer.

    Returns:
        A dataset of the same dicts as `training_batches` gives, and `valid_frames` [batch],
        int64: frames of the clip before padding.

    Raises:
        UserError: If the split is empty, the dataset is incomplete, or a size is not positive.
    """
    _check_positive(clip_frames=clip_frames, batch_size=batch_size)
    return consecutive_clips(DatasetReader(dataset, split), clip_frames).batch(batch_size)


def _check_positive(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise UserError(f"{name} {value}: expected a whole number of 1 or more")
