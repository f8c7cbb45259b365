"""Random crops of recordings, streamed from the shards of a dataset."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ddsp_tf.data.blocks import as_written, cut_clips, parse_block
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.features.extractor import FEATURES

# Starting an epoch refills the shuffle buffer: epochs of small datasets are made long enough.
_CROPS_PER_EPOCH = 8192
_SHUFFLED_BYTES = 1 << 26
_SHUFFLED_CROPS = (32, 1024)
_OPEN_SHARDS = 4


@dataclass(frozen=True)
class CropPlan:
    """How many crops there are of what.

    Attributes:
        clip_frames: Frames of a crop.
        hop: Samples between two frames.
        round_crops: Crops in one passage through all records.
        rounds: Passages in an epoch.
        shuffled: Crops in the shuffle buffer.
    """

    clip_frames: int
    hop: int
    round_crops: int
    rounds: int
    shuffled: int

    @property
    def epoch_crops(self) -> int:
        """Crops in an epoch."""
        return self.rounds * self.round_crops


def plan_crops(reader: DatasetReader, clip_frames: int) -> CropPlan:
    """Plans the crops of a split.

    Args:
        reader: Of the split.
        clip_frames: Frames of a crop.

    Returns:
        The plan: of each record as many crops as it has clip lengths, at least one.
    """
    frames = np.concatenate([rows["frames"] for rows in reader.rows])
    round_crops = int(np.maximum((2 * frames + clip_frames) // (2 * clip_frames), 1).sum())
    crop_bytes = 4 * clip_frames * (reader.hop + len(FEATURES))
    return CropPlan(
        clip_frames=clip_frames,
        hop=reader.hop,
        round_crops=round_crops,
        rounds=-(-_CROPS_PER_EPOCH // round_crops),
        shuffled=int(np.clip(_SHUFFLED_BYTES // crop_bytes, *_SHUFFLED_CROPS)),
    )


def random_crops(reader: DatasetReader, clip_frames: int, seed: int, first: int) -> tf.data.Dataset:
    """Gives random crops of the recordings of a split, forever.

    Shards are read in random order, several side by side. The start positions in a record are
    divided into as many equal stretches as there are crops of it, and each crop starts at a
    random position of its own stretch, so that crops cover a recording evenly. They then pass a
    shuffle buffer of fixed size. Crop number n depends on nothing but the arguments and n.

    Args:
        reader: Of the split.
        clip_frames: Frames of a crop.
        seed: Any integer.
        first: Number of the crop to begin with; the rest of its epoch is read and passed over.

    Returns:
        An endless dataset of dicts: `audio` [clip_frames * hop], the features [clip_frames],
        `source`, `start_frame`.
    """
    plan = plan_crops(reader, clip_frames)
    paths = reader.shard_paths()
    # Only 63 bits of a seed fit into a tensor.
    seed = seed % (1 << 63)
    first_epoch, position = divmod(first, plan.epoch_crops)

    def records_of(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(_uniform(len(paths), seed, 2 * number), stable=True)
        shuffled = tf.data.Dataset.from_tensor_slices(tf.gather(paths, order))
        return shuffled.interleave(tf.data.TFRecordDataset, cycle_length=_OPEN_SHARDS)

    def crops_of(number: tf.Tensor, record: tf.Tensor) -> dict[str, tf.Tensor]:
        return _cut(record, plan, seed, 2 * number + 1)

    @as_written
    def epoch_of(epoch: tf.Tensor) -> tf.data.Dataset:
        # The buffer's order also depends on the seed of the graph that it is built in, which the
        # user's tf.random.set_seed would otherwise decide; inside this function it is local.
        tf.random.set_seed(1)
        rounds = tf.data.Dataset.range(epoch * plan.rounds, (epoch + 1) * plan.rounds)
        records = rounds.flat_map(records_of).enumerate(epoch * 2**32)
        crops = records.map(crops_of, num_parallel_calls=2, deterministic=True).unbatch()
        order = tf.random.stateless_uniform([], [seed, -1 - epoch], None, None, tf.int64, "philox")
        return crops.shuffle(plan.shuffled, seed=order, reshuffle_each_iteration=False)

    return tf.data.Dataset.counter(start=first_epoch).flat_map(epoch_of).skip(position)


def _uniform(count: int | tf.Tensor, seed: int, number: tf.Tensor) -> tf.Tensor:
    """Random numbers in 0..1, always the same for a seed and a number."""
    key = tf.stack([tf.constant(seed, tf.int64), number])
    return tf.random.stateless_uniform([count], key, dtype=tf.float64, alg="philox")


def _cut(record: tf.Tensor, plan: CropPlan, seed: int, number: tf.Tensor) -> dict[str, tf.Tensor]:
    """Cuts all crops of a record: everything gets a leading axis of crops."""
    block, source, start_frame = parse_block(record, plan.hop)
    frames = tf.shape(block.curves, tf.int64)[0]
    count = tf.maximum((2 * frames + plan.clip_frames) // (2 * plan.clip_frames), 1)
    positions = tf.maximum(frames - plan.clip_frames, 0) + 1
    width = tf.cast(positions, tf.float64) / tf.cast(count, tf.float64)
    stretches = tf.cast(tf.range(count), tf.float64) + _uniform(count, seed, number)
    starts = tf.minimum(tf.cast(stretches * width, tf.int64), positions - 1)
    return {
        **cut_clips(block, starts, plan.clip_frames),
        "source": tf.fill([count], source),
        "start_frame": start_frame + starts,
    }
