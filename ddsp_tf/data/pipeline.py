"""Batches of datasets for Keras, as `tf.data` datasets.

They consist of TensorFlow operations only: Python functions that a dataset calls ahead of time
compete with the training loop for the interpreter, and can make it hang at exit.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from ddsp_tf.data.clips import consecutive_clips, labelling, no_autograph
from ddsp_tf.data.manifest import Manifest, as_manifest, check_same_extractor
from ddsp_tf.data.random_clips import cut_out, mixed_clips, random_clips
from ddsp_tf.data.varispeed import Varispeed
from ddsp_tf.errors import UserError, check_number
from ddsp_tf.features.extractor import FEATURES
from ddsp_tf.features.loudness import FLOOR_DB

Datasets = Manifest | str | os.PathLike | Sequence[Manifest | str | os.PathLike]


def training_batches(
    datasets: Datasets,
    *,
    clip_frames: int,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    weights: Sequence[float] | None = None,
    instruments: Sequence[Sequence[float]] | None = None,
    gain_db: float = 0.0,
    varispeed: float = 0.0,
    features: Sequence[str] = FEATURES,
    with_sources: bool = False,
    part: int = 0,
    parts: int = 1,
) -> tf.data.Dataset:
    """Returns random clips of the training split, endlessly, in batches for `fit`.

    Batch number s depends only on the arguments and s: a training that stopped before step s
    resumes exactly with `first_step=s`. Reaching that batch reads and skips at most one epoch of
    clips. Memory does not grow with the dataset. Recordings shorter than a clip are padded with
    silence.

    Args:
        datasets: Manifest or folder of a dataset, or several of them, measured by the same
            extractor.
        clip_frames: Frames of a clip, at most as many as in the longest segment (20 s).
        batch_size: Clips in a batch.
        seed: Seed of the order and positions of the clips.
        first_step: Number of the first batch.
        weights: Share of the clips from each dataset, in any unit; by default proportional to the
            datasets' lengths.
        instruments: Mixture of instruments in each dataset, for a model with several, such as
            [[1.0, 0.0], [0.0, 1.0]]; it becomes the feature "instrument".
        gain_db: Largest random gain of a clip, in dB, up or down; both level features follow the
            audio.
        varispeed: Largest random change of a clip's speed, in semitones, at most 12; see
            `Varispeed`.
        features: Names of the features to return, of "f0_hz", "f0_confidence", "loudness_db",
            "power_db", and "audio" for models with an encoder.
        with_sources: Whether to return the origin of the clips as a third element.
        part: Number of the part of each batch to return, from 0, for one of several processes.
        parts: Number of equal parts that each batch is divided into.

    Returns:
        Endless dataset of `(features, audio)`: a dictionary of float32 [batch, clip_frames] by name
        ("audio" [batch, clip_frames * hop], "instrument" [batch, 1, n]), and the target, float32
        [batch, clip_frames * hop]. With sources, dataset of `(features, audio, about)`, where
        `about` is a dictionary of `source`, strings, and `start_frame`, int64, counted from the
        start of the recording, both [batch].

    Raises:
        UserError: If the split is empty, a dataset is incomplete, extractors differ, there is not
            one weight (or mixture) for each dataset, a feature is unknown, or a size is out of
            range.

    Example:
        >>> batches = training_batches(
        ...     "my_dataset", clip_frames=1000, batch_size=16, seed=0
        ... )  # doctest: +SKIP
        >>> model.fit(batches, steps_per_epoch=1000)  # doctest: +SKIP
    """
    check_number("clip_frames", clip_frames, 1, whole=True)
    check_number("batch_size", batch_size, 1, whole=True)
    check_number("first_step", first_step, 0, whole=True)
    check_number("seed", seed, -(1 << 62), 1 << 62, whole=True)
    check_number("gain_db", gain_db, 0.0)
    check_number("varispeed", varispeed, 0.0, 12.0)
    check_number("parts", parts, 1, whole=True)
    check_number("part", part, 0, parts - 1, whole=True)
    if batch_size % parts:
        raise UserError(f"batch_size {batch_size}: cannot be divided into {parts} equal parts")
    manifests = _manifests(datasets, clip_frames)
    speed = _varispeed(manifests[0], clip_frames, varispeed) if varispeed else None
    cut_frames = speed.cut_frames if speed else clip_frames
    first = first_step * batch_size
    if len(manifests) == 1 and weights is None and instruments is None:
        clips = random_clips(manifests[0], cut_frames, seed, first)
    else:
        clips = mixed_clips(manifests, cut_frames, seed, first, weights, instruments)
    size = batch_size // parts
    numbered = clips.enumerate(first)
    if parts > 1:
        # Not by `filter`, which would call a function for every clip of the other parts.
        windows = numbered.skip(part * size).window(size, shift=batch_size, drop_remainder=True)
        numbered = windows.flat_map(no_autograph(lambda *one: tf.data.Dataset.zip(one)))
    finish = _finishing(cut_frames, speed, gain_db, seed)
    clips = numbered.map(finish, tf.data.AUTOTUNE, deterministic=True)
    batches = clips.batch(size, drop_remainder=True)
    return batches.map(_as_pairs(features, with_sources)).prefetch(4)


def training_sources(datasets: Datasets, step: int, **settings: Any) -> list[str]:
    """Returns the names of the recordings that batch `step` of `training_batches` was cut from.

    They are sorted and unique. `settings` are keyword arguments of `training_batches`.
    """
    batches = training_batches(datasets, **settings, first_step=step, with_sources=True)
    _, _, about = next(iter(batches))
    return sorted({source.decode() for source in about["source"].numpy()})


def _as_pairs(features: Sequence[str], with_sources: bool) -> Callable:
    """Returns the function that turns dictionaries into the tuples that `fit` takes."""
    names = (features,) if isinstance(features, str) else tuple(features)
    known = (*FEATURES, "audio")
    for name in names:
        if name not in known:
            raise UserError(f"feature {name!r}: unknown; expected some of {', '.join(known)}")

    def pair(batch: dict[str, tf.Tensor]) -> tuple:
        chosen = {name: batch[name] for name in (*names, "instrument") if name in batch}
        if not with_sources:
            return chosen, batch["audio"]
        about = {name: v for name, v in batch.items() if name not in (*known, "instrument")}
        return chosen, batch["audio"], about

    return no_autograph(pair)


def _manifests(datasets: Datasets, clip_frames: int) -> list[Manifest]:
    """Returns the manifests, after checking that batches can be made from them."""
    if isinstance(datasets, (Manifest, str, os.PathLike)):
        datasets = [datasets]
    manifests = [as_manifest(dataset) for dataset in datasets]
    if not manifests:
        raise UserError("no dataset given; expected at least one")
    check_same_extractor(manifests)
    for manifest in manifests:
        _check_clip_frames(manifest, clip_frames)
    return manifests


def _check_clip_frames(manifest: Manifest, clip_frames: int) -> None:
    files = manifest.files_of("train")
    longest = max(segment.frames for file in files for segment in file.segments)
    if clip_frames > max(longest, manifest.segment_frames // 2):
        raise UserError(
            f"clip_frames {clip_frames} ({clip_frames / manifest.frame_rate:g} s): the longest "
            f"segment of {manifest.folder} has {longest} frames ({longest / manifest.frame_rate:g} "
            "s); choose shorter clips with train.clip_seconds"
        )


def _varispeed(manifest: Manifest, clip_frames: int, semitones: float) -> Varispeed:
    names = ("hop", "sample_rate", "loudness_fft_size", "power_frame_size")
    settings = {name: manifest.extractor[name] for name in names}
    return Varispeed(semitones, clip_frames=clip_frames, **settings)


def _finishing(cut_frames: int, speed: Varispeed | None, gain_db: float, seed: int) -> Callable:
    """Returns the function that cuts a clip and changes its speed and level, each at random."""

    def finish(number: tf.Tensor, clip: dict[str, Any]) -> dict[str, tf.Tensor]:
        clip = cut_out(clip, cut_frames)
        if speed:
            clip = speed.play(clip, _drawn(seed + 0x73706565, number, 1.0))
        if gain_db:
            clip = _with_gain(clip, _drawn(seed + 0x6761696E, number, gain_db))
        return clip

    return no_autograph(finish)


def _drawn(seed: int, number: tf.Tensor, most: float) -> tf.Tensor:
    """Returns a random number from -most to most that depends on the seed and the clip's number."""
    # Not the numbers that place the clips, which would make loudness depend on the position.
    key = tf.stack([tf.constant(seed % (1 << 63), tf.int64), number])
    return tf.random.stateless_uniform([], key, -most, most)


def _with_gain(clip: dict[str, tf.Tensor], gain_db: tf.Tensor) -> dict[str, tf.Tensor]:
    levels = {
        name: tf.where(clip[name] > FLOOR_DB, tf.maximum(clip[name] + gain_db, FLOOR_DB), FLOOR_DB)
        for name in ("loudness_db", "power_db")
    }
    return {**clip, **levels, "audio": clip["audio"] * 10.0 ** (gain_db / 20.0)}


def clips(
    dataset: Manifest | str | os.PathLike,
    *,
    split: str,
    clip_frames: int,
    batch_size: int = 1,
    features: Sequence[str] = FEATURES,
    instrument: Sequence[float] | None = None,
    with_sources: bool = False,
) -> tf.data.Dataset:
    """Returns the recordings of a split from start to end, in clips that do not overlap.

    The remainder of a recording is padded with silence to a full clip if it is half a clip or
    longer, or if it is the whole recording; otherwise it is left out.

    Args:
        dataset: Manifest or folder of a dataset.
        split: Split to read, "train" or "validation".
        clip_frames: Frames of a clip, any number.
        batch_size: Clips in a batch; the last batch may have fewer.
        features: Names of the features to return, as for `training_batches`.
        instrument: Mixture of instruments in the dataset, for a model with several.
        with_sources: Whether to return the origin of the clips as a third element.

    Returns:
        Dataset of `(features, audio)`, as from `training_batches`. With sources, dataset of
        `(features, audio, about)`, where `about` is a dictionary of `source`, strings;
        `start_frame`, counted from the start of the recording; and `valid_frames`, frames before
        the padding, int64; all [batch].

    Raises:
        UserError: If the split is empty, the dataset is incomplete, a feature is unknown, or a
            size is not positive.
    """
    check_number("clip_frames", clip_frames, 1, whole=True)
    check_number("batch_size", batch_size, 1, whole=True)
    found = consecutive_clips(as_manifest(dataset), split, clip_frames)
    if instrument is not None:
        found = found.map(labelling(instrument))
    return found.batch(batch_size).map(_as_pairs(features, with_sources))
