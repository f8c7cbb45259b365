"""Batches of prepared datasets, as `tf.data` datasets.

Everything in them is TensorFlow's own operations: Python functions that a dataset calls ahead of
time compete with the training loop for the interpreter, and can hang it at exit.
"""

import os
from collections.abc import Sequence

import tensorflow as tf

from ddsp_tf.data.blocks import as_written
from ddsp_tf.data.clips import consecutive_clips
from ddsp_tf.data.crops import random_crops
from ddsp_tf.data.manifest import Manifest, as_manifest
from ddsp_tf.data.mixing import mixed
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.data.varispeed import Varispeed
from ddsp_tf.errors import UserError
from ddsp_tf.features.loudness import FLOOR_DB


def training_batches(
    datasets: Manifest | str | os.PathLike | Sequence[Manifest | str | os.PathLike],
    *,
    clip_frames: int,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    weights: Sequence[float] | None = None,
    gain_db: float = 0.0,
    varispeed: float = 0.0,
) -> tf.data.Dataset:
    """Gives random crops of the training split, forever; see `random_crops` for their choice.

    Batch number s depends on nothing but the arguments and s: a training that was stopped before
    step s goes on exactly with `first_step=s`. To get there, the crops of at most one epoch are
    read and passed over. Memory does not grow with the dataset. Recordings shorter than a crop
    are followed by silence.

    Args:
        datasets: Manifest or folder of a dataset, or several of the same rates.
        clip_frames: Frames of a crop, at most those of a record (20 s).
        batch_size: Crops in a batch.
        seed: Decides order and places of the crops.
        first_step: Number of the batch to begin with.
        weights: Share of the crops that each dataset gives, in any unit; by default shares like
            the datasets' lengths.
        gain_db: Crops are made louder or softer by a random gain of at most this many dB; the
            two levels among the features move with the audio, pitch stays.
        varispeed: Crops are played faster or slower by a random number of semitones up to this,
            at most 12; see `Varispeed`.

    Returns:
        An endless dataset of dicts: `audio` [batch, clip_frames * hop], `f0_hz`,
        `f0_confidence`, `loudness_db`, `power_db` [batch, clip_frames], all float32; `source`
        [batch], strings; `start_frame` [batch], int64, counted from the start of the recording.

    Raises:
        UserError: If the split is empty, a dataset is incomplete, rates or numbers of weights
            differ, or a size is out of range.
    """
    _check_positive(clip_frames=clip_frames, batch_size=batch_size, first_step=first_step + 1)
    if isinstance(datasets, (Manifest, str, os.PathLike)):
        datasets = [datasets]
    manifests = [as_manifest(dataset) for dataset in datasets]
    for manifest in manifests[1:]:
        manifest.check_rates(manifests[0].sample_rate, manifests[0].frame_rate)
    readers = [DatasetReader(manifest, "train") for manifest in manifests]
    _check_clips(readers, clip_frames)
    speed = _varispeed(manifests[0], clip_frames, varispeed) if varispeed else None
    crop_frames = speed.crop_frames if speed else clip_frames
    first = first_step * batch_size
    if len(readers) == 1 and weights is None:
        crops = random_crops(readers[0], crop_frames, seed, first)
    else:
        crops = mixed(readers, crop_frames, seed, first, weights)
    if speed:
        crops = crops.enumerate(first).map(
            as_written(
                lambda number, crop: speed.play(crop, _drawn(seed + 0x73706565, number, 1.0))
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    if gain_db:
        crops = crops.enumerate(first).map(
            as_written(
                lambda number, crop: _with_gain(crop, _drawn(seed + 0x6761696E, number, gain_db))
            )
        )
    return crops.batch(batch_size, drop_remainder=True).prefetch(4)


def _check_clips(readers: list[DatasetReader], clip_frames: int) -> None:
    for reader in readers:
        longest = max(int(rows["frames"].max()) for rows in reader.rows)
        if clip_frames > max(longest, reader.manifest.segment_frames // 2):
            raise UserError(
                f"clip_frames {clip_frames}: the longest record of {reader.folder} has {longest} "
                "frames; choose shorter clips"
            )


def _varispeed(manifest: Manifest, clip_frames: int, semitones: float) -> Varispeed:
    return Varispeed(
        semitones,
        clip_frames=clip_frames,
        hop=manifest.hop,
        sample_rate=manifest.sample_rate,
        loudness_fft_size=manifest.extractor["loudness_fft_size"],
        power_frame_size=manifest.extractor["power_frame_size"],
    )


def _drawn(seed: int, number: tf.Tensor, most: float) -> tf.Tensor:
    """A random number from -most to most, always the same for a seed and a crop's number."""
    # Not the numbers that place the crops: those would make loudness depend on the position.
    key = tf.stack([tf.constant(seed % (1 << 63), tf.int64), number])
    return tf.random.stateless_uniform([], key, -most, most)


def _with_gain(crop: dict[str, tf.Tensor], gain_db: tf.Tensor) -> dict[str, tf.Tensor]:
    levels = {
        name: tf.where(crop[name] > FLOOR_DB, tf.maximum(crop[name] + gain_db, FLOOR_DB), FLOOR_DB)
        for name in ("loudness_db", "power_db")
    }
    return {**crop, **levels, "audio": crop["audio"] * 10.0 ** (gain_db / 20.0)}


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
