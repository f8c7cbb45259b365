"""Random clips of recordings, streamed from one dataset or several, mixed in given shares."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ddsp_tf.data.clips import Frames, count_clips, cut_clips, frames_of, labelling, no_autograph
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FEATURES

# Starting an epoch refills the shuffle buffer, so small datasets get longer epochs.
_CLIPS_PER_EPOCH = 8192
_SHUFFLED_BYTES = 1 << 26
_SHUFFLED_CLIPS = (32, 1024)
# Files are read in shuffled groups of this size; some groups are read in parallel.
_GROUP_BYTES = 1 << 27
_OPEN_GROUPS = 4
_CHOICES = 4096


@dataclass(frozen=True)
class ClipPlan:
    """Numbers of random clips: in a pass through all segments, an epoch, the shuffle buffer."""

    clip_frames: int
    round_clips: int
    rounds: int
    shuffled: int


def plan_clips(manifest: Manifest, clip_frames: int) -> ClipPlan:
    """Plans as many clips from each training segment as fit into it, at least one."""
    segments = [segment for file in manifest.files_of("train") for segment in file.segments]
    round_clips = sum(count_clips(segment.frames, clip_frames) for segment in segments)
    clip_bytes = 4 * clip_frames * (manifest.hop + len(FEATURES))
    return ClipPlan(
        clip_frames=clip_frames,
        round_clips=round_clips,
        rounds=-(-_CLIPS_PER_EPOCH // round_clips),
        shuffled=int(np.clip(_SHUFFLED_BYTES // clip_bytes, *_SHUFFLED_CLIPS)),
    )


def random_clips(manifest: Manifest, clip_frames: int, seed: int, first: int) -> tf.data.Dataset:
    """Returns random clips of the training split, endlessly, for `cut_out` to cut.

    Files are read in random order, several groups in parallel. The start positions in a segment are
    divided into as many equal ranges as there are clips, and each clip starts at a random position
    in its own range, so that clips cover a recording evenly. They then pass through a shuffle
    buffer of fixed size. Clip number n depends only on the arguments and n; to begin with number
    `first`, earlier clips of its epoch are read and skipped.

    Clips are cut after they are shuffled, so that a part of a batch costs no cutting of the others:
    an element refers to its whole segment. A dataset of one group stays in memory once it is read.
    """
    plan = plan_clips(manifest, clip_frames)
    files = manifest.files_of("train")
    paths = tf.constant([os.fsencode(manifest.path_of(file)) for file in files])
    edges = _group_edges([file.size_bytes for file in files])
    groups = len(edges) - 1
    # A tensor can hold only 63 bits of a seed.
    seed = seed % (1 << 63)
    first_epoch, position = divmod(first, plan.rounds * plan.round_clips)
    held = _segments(paths, manifest.hop).cache() if groups == 1 else None

    def segments_of_group(group: tf.Tensor) -> tf.data.Dataset:
        if held is not None:
            return held
        return _segments(paths[tf.gather(edges, group) : tf.gather(edges, group + 1)], manifest.hop)

    def segments_of(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(_uniform(groups, seed, 2 * number), stable=True)
        shuffled = tf.data.Dataset.from_tensor_slices(order)
        return shuffled.interleave(segments_of_group, cycle_length=_OPEN_GROUPS)

    def starts_in(number: tf.Tensor, segment: Any) -> tuple:
        return segment, _starts(segment[0], plan, seed, 2 * number + 1)

    @no_autograph
    def epoch_of(epoch: tf.Tensor) -> tf.data.Dataset:
        # The order of the buffer also depends on the seed of the graph that it is built in, which
        # the user's tf.random.set_seed would otherwise set; inside this function it is local.
        tf.random.set_seed(1)
        rounds = tf.data.Dataset.range(epoch * plan.rounds, (epoch + 1) * plan.rounds)
        segments = rounds.flat_map(segments_of).enumerate(epoch * 2**32)
        # In threads, which matters to several GPUs.
        places = segments.map(starts_in, num_parallel_calls=2, deterministic=True)
        clips = places.flat_map(_clips_of_segment)
        order = tf.random.stateless_uniform([], [seed, -1 - epoch], None, None, tf.int64, "philox")
        return clips.shuffle(plan.shuffled, seed=order, reshuffle_each_iteration=False)

    return tf.data.Dataset.counter(start=first_epoch).flat_map(epoch_of).skip(position)


def _group_edges(sizes: list[int]) -> list[int]:
    """Returns the numbers of the first file in each group, and the number of files."""
    edges, held = [0], 0
    for number, size in enumerate(sizes):
        if held >= _GROUP_BYTES:
            edges.append(number)
            held = 0
        held += size
    return [*edges, len(sizes)]


def _uniform(count: int | tf.Tensor, seed: int, number: tf.Tensor) -> tf.Tensor:
    """Returns random numbers in 0..1 that depend on the seed and a number."""
    key = tf.stack([tf.constant(seed, tf.int64), number])
    return tf.random.stateless_uniform([count], key, dtype=tf.float64, alg="philox")


def _segments(paths: tf.Tensor, hop: int) -> tf.data.Dataset:
    """Returns the segments of files as `frames_of` does."""
    parse = no_autograph(lambda record: frames_of(record, hop))
    return tf.data.TFRecordDataset(paths).map(parse, num_parallel_calls=2, deterministic=True)


def _starts(frames: Frames, plan: ClipPlan, seed: int, number: tf.Tensor) -> tf.Tensor:
    """Chooses the first frames of all clips of a segment."""
    length = tf.shape(frames.curves, tf.int64)[0]
    count = tf.maximum((2 * length + plan.clip_frames) // (2 * plan.clip_frames), 1)
    positions = tf.maximum(length - plan.clip_frames, 0) + 1
    width = tf.cast(positions, tf.float64) / tf.cast(count, tf.float64)
    places = tf.cast(tf.range(count), tf.float64) + _uniform(count, seed, number)
    return tf.minimum(tf.cast(places * width, tf.int64), positions - 1)


@no_autograph
def _clips_of_segment(segment: Any, starts: tf.Tensor) -> tf.data.Dataset:
    # Not by `map`, which would call a function for each clip.
    same = tf.data.Dataset.from_tensors(segment).repeat()
    return tf.data.Dataset.zip(
        {"segment": same, "start": tf.data.Dataset.from_tensor_slices(starts)}
    )


def cut_out(clip: dict[str, Any], clip_frames: int) -> dict[str, tf.Tensor]:
    """Cuts an element of `random_clips` out of its segment."""
    (frames, source, start_frame), start = clip["segment"], clip["start"]
    # Only what is needed: `cut_clips` copies all frames that it gets.
    needed = Frames(*(values[start : start + clip_frames] for values in frames))
    cut = cut_clips(needed, tf.zeros([1], tf.int64), clip_frames)
    found = {name: values[0] for name, values in cut.items()}
    found |= {"source": source, "start_frame": start_frame + start}
    return found | {name: v for name, v in clip.items() if name not in ("segment", "start")}


def mixed_clips(
    manifests: Sequence[Manifest],
    clip_frames: int,
    seed: int,
    first: int,
    weights: Sequence[float] | None = None,
    instruments: Sequence[Sequence[float]] | None = None,
) -> tf.data.Dataset:
    """Returns random clips of several datasets, endlessly, in given shares, for `cut_out` to cut.

    The dataset of clip number n is drawn at random and depends only on the seed and n. The clips of
    each dataset keep the order of `random_clips`. By default the shares are proportional to the
    datasets' lengths. If the datasets have mixtures of instruments, their clips contain these as
    "instrument" [1, n].
    """
    shares = _shares(manifests, clip_frames, weights)
    passed = _counts(shares, seed, first)
    # Each dataset has its own seed, because equal datasets would otherwise give equal clips.
    sources = [
        random_clips(manifest, clip_frames, seed + number, int(passed[number]))
        for number, manifest in enumerate(manifests)
    ]
    if instruments is not None:
        _check_number(instruments, manifests, "mixtures of instruments")
        pairs = zip(sources, instruments, strict=True)
        sources = [clips.map(labelling(mixture)) for clips, mixture in pairs]
    begin, position = divmod(first, _CHOICES)
    numbers = tf.data.Dataset.counter(start=begin)
    choices = numbers.map(no_autograph(lambda number: _choices(shares, seed, number))).unbatch()
    return tf.data.Dataset.choose_from_datasets(sources, choices.skip(position))


def _check_number(values: Sequence, manifests: Sequence[Manifest], what: str) -> None:
    if len(values) != len(manifests):
        raise UserError(
            f"{len(values)} {what} for {len(manifests)} datasets; expected one for each"
        )


def _shares(manifests, clip_frames, weights) -> np.ndarray:
    if weights is None:
        weights = [plan_clips(manifest, clip_frames).round_clips for manifest in manifests]
    weights = [float(weight) for weight in weights]
    _check_number(weights, manifests, "weights")
    for manifest, weight in zip(manifests, weights, strict=True):
        if not (np.isfinite(weight) and weight > 0.0):
            raise UserError(f"{manifest.folder}: weight {weight:g}; expected a number above 0")
    return np.array(weights) / np.sum(weights)


def _choices(shares: np.ndarray, seed: int, number: tf.Tensor) -> tf.Tensor:
    """Returns the numbers of the datasets for some thousand clips."""
    key = tf.stack([tf.constant((seed + 0x6D6978) % (1 << 63), tf.int64), number])
    drawn = tf.random.stateless_uniform([_CHOICES], key, dtype=tf.float64, alg="philox")
    edges = tf.constant(np.cumsum(shares)[:-1])
    return tf.searchsorted(edges, drawn, side="right", out_type=tf.int64)


def _counts(shares: np.ndarray, seed: int, first: int) -> np.ndarray:
    """Returns how many of the clips before number `first` came from each dataset."""
    counts = np.zeros(len(shares), np.int64)
    for number in range(-(-first // _CHOICES)):
        chosen = _choices(shares, seed, tf.constant(number, tf.int64)).numpy()
        chosen = chosen[: first - number * _CHOICES]
        counts += np.bincount(chosen, minlength=len(shares))
    return counts
