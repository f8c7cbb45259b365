"""Statistics of a dataset: the range of pitch and level that a model is trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.recordings import SPLITS
from ddsp_tf.data.segments import read_segments
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FEATURES
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

WINDOW_SECONDS = 4.0


class _Summary:
    """Summarizes numbers in constant memory; percentiles are computed from bins of 0.01."""

    def __init__(self, lowest: float, highest: float) -> None:
        self._edges = np.arange(round(100 * lowest), round(100 * highest) + 1) / 100.0
        self._counts = np.zeros(self._edges.size - 1, np.int64)
        self._total = 0.0
        self._bounds: list[tuple[float, float]] = []

    def add(self, values: np.ndarray) -> None:
        """Adds the values of one window, at least one."""
        values = values.astype(np.float64)
        inside = np.clip(values, self._edges[0], self._edges[-1])
        self._counts += np.histogram(inside, self._edges)[0]
        self._total += values.sum()
        self._bounds.append((values.min(), values.max()))

    def histogram(self) -> dict[str, Any]:
        """Returns counts around integers, from the first nonzero one to the last."""
        counts = self._counts[50:-50].reshape(-1, 100).sum(axis=1)
        counts[0] += self._counts[:50].sum()
        counts[-1] += self._counts[-50:].sum()
        used = np.flatnonzero(counts)
        lowest = round(float(self._edges[0])) + 1
        return {"first": lowest + int(used[0]), "counts": counts[used[0] : used[-1] + 1].tolist()}

    def result(self) -> dict[str, float]:
        """Returns the summary, rounded for readers."""
        count = self._counts.sum()
        low, high = np.array(self._bounds).T
        cumulated = np.cumsum(self._counts)
        p5, p95 = (
            self._edges[np.searchsorted(cumulated, share * count)] + 0.005 for share in (0.05, 0.95)
        )
        values = {
            "min": low.min(),
            "max": high.max(),
            "mean": self._total / count,
            "p5": np.clip(p5, low.min(), high.max()),
            "p95": np.clip(p95, low.min(), high.max()),
            "mean_min": low.mean(),
            "mean_max": high.mean(),
        }
        return {name: round(float(value), 4) for name, value in values.items()}


def dataset_statistics(manifest: Manifest) -> dict[str, Any]:
    """Measures the voiced frames (confidence 0.5 or more) of a dataset, segment by segment.

    Returns:
        `minutes` of each split; and of the training split (of validation if there is no other,
        named by `split`) `voiced_share` and, for `f0_midi`, `f0_hz`, `loudness_db` and `power_db`:
        `min`, `max`, `mean`, `p5` and `p95` (percentiles), `mean_min` and `mean_max` (mean over
        windows of 4 s of the window's lowest and highest value; of `f0_midi` this is the note
        range). Means of `f0_hz` are means of MIDI numbers, converted to Hz. `histograms` of
        `f0_midi` and `loudness_db`: `counts` of voiced frames around integers, starting at `first`.
    """
    split = "train" if manifest.has_split("train") else "validation"
    summaries = {
        "f0_midi": _Summary(0.0, 160.0),
        "loudness_db": _Summary(-80.0, 80.0),
        "power_db": _Summary(-80.0, 40.0),
    }
    frames = voiced_frames = 0
    for features in _windows(manifest, split):
        voiced = (features["f0_confidence"] >= VOICED_CONFIDENCE) & (features["f0_hz"] > 0)
        frames += voiced.size
        voiced_frames += int(voiced.sum())
        if voiced.any():
            midi = 69.0 + 12.0 * np.log2(features["f0_hz"][voiced] / 440.0)
            summaries["f0_midi"].add(midi)
            for name in ("loudness_db", "power_db"):
                summaries[name].add(features[name][voiced])
    if not voiced_frames:
        raise UserError(f"dataset: the {split} split has no voiced frame; give more recordings")
    results = {name: summary.result() for name, summary in summaries.items()}
    results["f0_hz"] = {
        name: round(440.0 * 2.0 ** ((midi - 69.0) / 12.0), 3)
        for name, midi in results["f0_midi"].items()
    }
    rate = 60.0 * manifest.frame_rate
    return {
        "split": split,
        "minutes": {
            name: round(sum(file.frames for file in manifest.files_of(name)) / rate, 4)
            for name in SPLITS
            if manifest.has_split(name)
        },
        "voiced_share": round(voiced_frames / frames, 4),
        **results,
        "histograms": {name: summaries[name].histogram() for name in ("f0_midi", "loudness_db")},
    }


def _windows(manifest: Manifest, split: str) -> Iterator[dict[str, np.ndarray]]:
    """Yields features of a split in windows of 4 s, shorter before gaps and at the end."""
    size = round(WINDOW_SECONDS * manifest.frame_rate)
    for file in manifest.files_of(split):
        held = {name: np.zeros(0, np.float32) for name in FEATURES}
        end = 0
        for start, arrays in read_segments(manifest, file):
            if start != end and held["f0_hz"].size:
                yield held
                held = {name: values[:0] for name, values in held.items()}
            end = start + arrays["f0_hz"].size
            held = {name: np.concatenate([held[name], arrays[name]]) for name in FEATURES}
            while held["f0_hz"].size >= size:
                yield {name: values[:size] for name, values in held.items()}
                held = {name: values[size:] for name, values in held.items()}
        if held["f0_hz"].size:
            yield held
