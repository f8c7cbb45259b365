"""Batches of a prepared dataset, as `tf.data` datasets."""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import tensorflow as tf

from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.data.records import ARRAYS
from ddsp_tf.errors import UserError

_READERS = 2


class CropPlan:
    """Says which crops make up a training batch, for any batch number at once.

    An epoch has as many crops of a recording as it has clip lengths (at least one), in a random
    order over all recordings. The recording's start positions are divided into as many equal
    stretches, and each crop starts at a random position of its own stretch, so that an epoch
    covers a recording evenly. Batches run on across epochs. All randomness is a hash of seed,
    epoch and crop.

    Args:
        frames: Frames of each recording.
        clip_frames: Frames of a crop.
        seed: Any integer.

    Attributes:
        size: Crops in an epoch.

    Example:
        >>> plan = CropPlan([1000, 300], clip_frames=250, seed=0)
        >>> plan.size
        5
        >>> plan.crops(first=7, count=4) == plan.crops(first=0, count=11)[7:]
        True
    """

    def __init__(self, frames: list[int], clip_frames: int, seed: int):
        lengths = np.array(frames, np.int64)
        counts = np.maximum(np.round(lengths / clip_frames).astype(np.int64), 1)
        self.size = int(counts.sum())
        self._file = np.repeat(np.arange(lengths.size), counts)
        self._stretch = np.arange(self.size) - np.repeat(np.cumsum(counts) - counts, counts)
        positions = np.maximum(lengths - clip_frames, 0) + 1
        self._positions, self._count = positions[self._file], counts[self._file]
        self._seed = seed % (1 << 64)
        self._epoch = lru_cache(maxsize=4)(self._make_epoch)

    def _make_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Gives recording and start frame of every crop of an epoch, in order."""
        # Of numpy's random numbers only the raw bits are promised never to change.
        bits = np.random.Philox(key=np.array([self._seed, epoch], np.uint64))
        bits = bits.random_raw(2 * self.size)
        order = np.argsort(bits[: self.size], kind="stable")
        share = (bits[self.size :] >> np.uint64(11)) * 2.0**-53
        start = np.floor((self._stretch + share) * (self._positions / self._count)).astype(np.int64)
        start = np.minimum(start, self._positions - 1)
        return self._file[order], start[order]

    def crops(self, first: int, count: int) -> list[tuple[int, int]]:
        """Gives some crops of the endless sequence.

        Args:
            first: Number of the first crop.
            count: How many.

        Returns:
            For each its recording's index and its first frame there.
        """
        crops = []
        for number in range(first, first + count):
            files, starts = self._epoch(number // self.size)
            crops.append((int(files[number % self.size]), int(starts[number % self.size])))
        return crops


def training_batches(
    dataset: Manifest | str | os.PathLike,
    *,
    clip_frames: int,
    batch_size: int,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Gives random crops of the training split, forever.

    Batch number s depends on nothing but the dataset, `clip_frames`, `batch_size`, `seed` and s:
    a training that was stopped before step s goes on exactly with `first_step=s`, which takes
    no longer than starting at 0. Each batch is read from disk when it is due, so memory does not
    grow with the dataset. Recordings shorter than a crop are followed by silence.

    Args:
        dataset: A manifest or the folder of a dataset.
        clip_frames: Frames of a crop.
        batch_size: Crops in a batch.
        seed: Decides order and places of the crops.
        first_step: Number of the batch to begin with.

    Returns:
        An endless dataset of dicts: `audio` [batch, clip_frames * hop], `f0_hz`,
        `f0_confidence`, `loudness_db`, `power_db` [batch, clip_frames], all float32; `source`
        [batch], strings; `start_frame` [batch], int64, counted from the start of the recording.

    Raises:
        UserError: If the split is empty, the dataset is incomplete, or a size is not positive.
    """
    _check_positive(clip_frames=clip_frames, batch_size=batch_size, first_step=first_step + 1)
    reader = DatasetReader(dataset, "train")
    plan = CropPlan([file.frames for file in reader.files], clip_frames, seed)

    def crops_of(step: int) -> list[tuple[int, int]]:
        return plan.crops(step * batch_size, batch_size)

    steps = tf.data.Dataset.counter(start=first_step)
    return _batches(steps, reader, crops_of, clip_frames, batch_size)


def clips(
    dataset: Manifest | str | os.PathLike, *, split: str, clip_frames: int, batch_size: int = 1
) -> tf.data.Dataset:
    """Gives the recordings of a split from start to end, in clips that do not overlap.

    What remains at the end of a recording is padded with silence to a full clip if it is half a
    clip or longer, or if it is all there is; otherwise it is left out.

    Args:
        dataset: A manifest or the folder of a dataset.
        split: "train" or "validation".
        clip_frames: Frames of a clip.
        batch_size: Clips in a batch; the last batch may have fewer.

    Returns:
        A dataset of the same dicts as `training_batches` gives, and `valid_frames` [batch],
        int64: frames of the clip before padding.

    Raises:
        UserError: If the split is empty, the dataset is incomplete, or a size is not positive.
    """
    _check_positive(clip_frames=clip_frames, batch_size=batch_size)
    reader = DatasetReader(dataset, split)
    crops = [
        (number, first)
        for number, file in enumerate(reader.files)
        for first in range(0, file.frames, clip_frames)
        if first == 0 or 2 * (file.frames - first) >= clip_frames
    ]

    def crops_of(step: int) -> list[tuple[int, int]]:
        return crops[step * batch_size : (step + 1) * batch_size]

    steps = tf.data.Dataset.range(-(-len(crops) // batch_size))
    whole = batch_size if len(crops) % batch_size == 0 else None
    return _batches(steps, reader, crops_of, clip_frames, whole, with_valid_frames=True)


def whole_files(
    dataset: Manifest | str | os.PathLike, split: str
) -> Iterator[dict[str, np.ndarray | str | int]]:
    """Gives each recording of a split as a whole.

    Args:
        dataset: A manifest or the folder of a dataset.
        split: "train" or "validation".

    Yields:
        `audio` [frames * hop] and the features [frames], float32; `source`, a string;
        `start_frame`, 0 unless the recording was divided between the splits.

    Raises:
        UserError: If the split is empty or the dataset is incomplete.
    """
    reader = DatasetReader(dataset, split)
    for number, file in enumerate(reader.files):
        yield {**reader.read(number), "source": file.source, "start_frame": file.start_frame}


def _check_positive(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise UserError(f"{name} {value}: expected a whole number of 1 or more")


def _batches(
    steps: tf.data.Dataset,
    reader: DatasetReader,
    crops_of: Callable[[int], list[tuple[int, int]]],
    clip_frames: int,
    batch_size: int | None,
    with_valid_frames: bool = False,
) -> tf.data.Dataset:
    """Turns step numbers into batches, read two at a time, in order."""

    def read(step: np.ndarray) -> list[np.ndarray]:
        crops = crops_of(int(step))
        arrays = reader.allocate(clip_frames, len(crops))
        valid = [
            reader.read_into(file, first, {name: arrays[name][row] for name in ARRAYS})
            for row, (file, first) in enumerate(crops)
        ]
        files = [reader.files[file] for file, _ in crops]
        sources = np.array([file.source.encode() for file in files], object)
        starts = [file.start_frame + first for file, (_, first) in zip(files, crops, strict=True)]
        return [*arrays.values(), sources, np.array(starts), np.array(valid)]

    kinds = [*([tf.float32] * len(ARRAYS)), tf.string, tf.int64, tf.int64]
    widths = [(clip_frames * reader.hop,), *([(clip_frames,)] * (len(ARRAYS) - 1)), (), (), ()]

    def batch_of(step: tf.Tensor) -> dict[str, tf.Tensor]:
        tensors = tf.numpy_function(read, [step], kinds, stateful=False)
        for tensor, width in zip(tensors, widths, strict=True):
            tensor.set_shape((batch_size, *width))
        batch = dict(zip((*ARRAYS, "source", "start_frame", "valid_frames"), tensors, strict=True))
        if not with_valid_frames:
            del batch["valid_frames"]
        return batch

    batches = steps.map(batch_of, num_parallel_calls=_READERS, deterministic=True)
    return batches.prefetch(_READERS)
