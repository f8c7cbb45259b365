"""Crops of several datasets, mixed in given shares."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ddsp_tf.data.blocks import as_written
from ddsp_tf.data.crops import plan_crops, random_crops
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.errors import UserError

_BLOCK = 4096


def mixed(
    readers: Sequence[DatasetReader],
    clip_frames: int,
    seed: int,
    first: int,
    weights: Sequence[float] | None = None,
) -> tf.data.Dataset:
    """Gives random crops of several datasets, forever.

    Which dataset crop number n comes from is drawn at random with the shares given, and depends
    on nothing but the seed and n. Each dataset's own crops come in the order of `random_crops`.

    Args:
        readers: Of the split, one a dataset.
        clip_frames: Frames of a crop.
        seed: Any integer.
        first: Number of the crop to begin with.
        weights: Shares in any unit, above 0; by default like the datasets' lengths.

    Returns:
        An endless dataset of the dicts that `random_crops` gives.

    Raises:
        UserError: If there are not as many weights as datasets, or one is not above 0.
    """
    shares = _shares(readers, clip_frames, weights)
    passed = _counts(shares, seed, first)
    # Each dataset has a seed of its own, or equal ones would play in unison.
    sources = [
        random_crops(reader, clip_frames, seed + number, int(passed[number]))
        for number, reader in enumerate(readers)
    ]
    block, position = divmod(first, _BLOCK)
    blocks = tf.data.Dataset.counter(start=block)
    choices = blocks.map(as_written(lambda number: _choices(shares, seed, number))).unbatch()
    choice = choices.skip(position)
    return tf.data.Dataset.choose_from_datasets(sources, choice)


def merged_statistics(statistics: Sequence[dict], weights: Sequence[float] | None = None) -> dict:
    """Combines the statistics of datasets: what a model trained on all of them will have seen.

    Args:
        statistics: Of `ddsp_tf.data.statistics.dataset_statistics`.
        weights: Shares of the datasets in training, in any unit; by default their minutes.

    Returns:
        The same names. Extremes and percentiles are the widest, means are weighted by the shares.

    Example:
        >>> one = {"split": "train", "minutes": {"train": 1.0}, "voiced_share": 0.5,
        ...        "f0_hz": {"min": 100.0, "p5": 110.0, "mean": 200.0}}
        >>> two = {"split": "train", "minutes": {"train": 3.0}, "voiced_share": 0.9,
        ...        "f0_hz": {"min": 90.0, "p5": 120.0, "mean": 400.0}}
        >>> merged_statistics([one, two])["f0_hz"]
        {'min': 90.0, 'p5': 110.0, 'mean': 350.0}
    """
    if len(statistics) == 1:
        return statistics[0]
    minutes = [one["minutes"].get(one["split"], 0.0) for one in statistics]
    shares = np.array(minutes if weights is None else weights, float)
    shares = shares / max(shares.sum(), 1e-9)
    widest = {"min": min, "p5": min, "max": max, "p95": max}
    merged = {
        "split": statistics[0]["split"],
        "minutes": {
            split: round(sum(one["minutes"].get(split, 0.0) for one in statistics), 4)
            for split in dict.fromkeys(key for one in statistics for key in one["minutes"])
        },
        "voiced_share": round(float(shares @ [one["voiced_share"] for one in statistics]), 4),
    }
    for name, summary in statistics[0].items():
        if name not in merged and isinstance(summary, dict) and "mean" in summary:
            merged[name] = {
                key: widest.get(key, lambda values: round(float(shares @ values), 4))(
                    [one[name][key] for one in statistics]
                )
                for key in summary
            }
    return merged


def _shares(readers, clip_frames, weights) -> np.ndarray:
    if weights is None:
        weights = [plan_crops(reader, clip_frames).round_crops for reader in readers]
    weights = [float(weight) for weight in weights]
    if len(weights) != len(readers):
        raise UserError(
            f"{len(weights)} weights for {len(readers)} datasets; expected one for each"
        )
    for reader, weight in zip(readers, weights, strict=True):
        if not (np.isfinite(weight) and weight > 0.0):
            raise UserError(f"{reader.folder}: weight {weight:g}; expected a number above 0")
    return np.array(weights) / np.sum(weights)


def _choices(shares: np.ndarray, seed: int, block: tf.Tensor) -> tf.Tensor:
    """Numbers of the datasets that a block of crops comes from."""
    key = tf.stack([tf.constant((seed + 0x6D6978) % (1 << 63), tf.int64), block])
    drawn = tf.random.stateless_uniform([_BLOCK], key, dtype=tf.float64, alg="philox")
    edges = tf.constant(np.cumsum(shares)[:-1])
    return tf.searchsorted(edges, drawn, side="right", out_type=tf.int64)


def _counts(shares: np.ndarray, seed: int, first: int) -> np.ndarray:
    """How many of the crops before number `first` each dataset gave."""
    counts = np.zeros(len(shares), np.int64)
    for block in range(-(-first // _BLOCK)):
        chosen = _choices(shares, seed, tf.constant(block, tf.int64)).numpy()
        chosen = chosen[: first - block * _BLOCK]
        counts += np.bincount(chosen, minlength=len(shares))
    return counts
