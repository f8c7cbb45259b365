"""Statistics of a dataset: the range of pitch and level that a model will have seen."""

from typing import Any

import numpy as np

from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.errors import UserError
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

STRETCH_SECONDS = 4.0


class _Summary:
    """Collects numbers in constant memory; percentiles come from bins of 0.01."""

    def __init__(self, lowest: float, highest: float) -> None:
        self._edges = np.arange(round(100 * lowest), round(100 * highest) + 1) / 100.0
        self._counts = np.zeros(self._edges.size - 1, np.int64)
        self._total = 0.0
        self._bounds: list[tuple[float, float]] = []

    def add(self, values: np.ndarray) -> None:
        """Adds the values of one stretch, at least one."""
        values = values.astype(np.float64)
        inside = np.clip(values, self._edges[0], self._edges[-1])
        self._counts += np.histogram(inside, self._edges)[0]
        self._total += values.sum()
        self._bounds.append((values.min(), values.max()))

    def histogram(self) -> dict[str, Any]:
        """Gives counts around whole numbers, from the first that has any to the last."""
        counts = self._counts[50:-50].reshape(-1, 100).sum(axis=1)
        counts[0] += self._counts[:50].sum()
        counts[-1] += self._counts[-50:].sum()
        used = np.flatnonzero(counts)
        lowest = round(float(self._edges[0])) + 1
        return {
            "first": lowest + int(used[0]),
            "counts": counts[used[0] : used[-1] + 1].tolist(),
        }

    def result(self) -> dict[str, float]:
        """Gives the summary, rounded to what a person reads."""
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


def dataset_statistics(readers: dict[str, DatasetReader]) -> dict[str, Any]:
    """Measures a dataset, one recording at a time.

    Pitch and levels are those of voiced frames (confidence of 0.5 or more).

    Args:
        readers: One for each split that has recordings.

    Returns:
        `minutes` of each split; and of the training split (of validation if there is no other,
        named by `split`) `voiced_share` and, for `f0_midi`, `f0_hz`, `loudness_db` and
        `power_db`: `min`, `max`, `mean`, `p5` and `p95` (percentiles), `mean_min` and `mean_max`
        (mean over stretches of 4 s of the stretch's lowest and highest value; of `f0_midi` this
        is the note range). Means of `f0_hz` are those of MIDI numbers, converted. `histograms` of
        `f0_midi` and `loudness_db`: `counts` of voiced frames around whole numbers, which begin
        at `first`.

    Raises:
        UserError: If the measured split has no voiced frame.
    """
    split = "train" if "train" in readers else "validation"
    reader = readers[split]
    summaries = {
        "f0_midi": _Summary(0.0, 160.0),
        "loudness_db": _Summary(-80.0, 80.0),
        "power_db": _Summary(-80.0, 40.0),
    }
    stretch = round(STRETCH_SECONDS * reader.manifest.frame_rate)
    frames = voiced_frames = 0
    for number, file in enumerate(reader.files):
        for first in range(0, file.frames, stretch):
            arrays = reader.read(number, first, min(stretch, file.frames - first))
            voiced = (arrays["f0_confidence"] >= VOICED_CONFIDENCE) & (arrays["f0_hz"] > 0)
            frames += voiced.size
            voiced_frames += int(voiced.sum())
            if voiced.any():
                midi = 69.0 + 12.0 * np.log2(arrays["f0_hz"][voiced] / 440.0)
                summaries["f0_midi"].add(midi)
                for name in ("loudness_db", "power_db"):
                    summaries[name].add(arrays[name][voiced])
    if not voiced_frames:
        raise UserError(f"dataset: the {split} split has no voiced frame; give more recordings")
    results = {name: summary.result() for name, summary in summaries.items()}
    results["f0_hz"] = {
        name: round(440.0 * 2.0 ** ((midi - 69.0) / 12.0), 3)
        for name, midi in results["f0_midi"].items()
    }
    return {
        "split": split,
        "minutes": {
            name: round(sum(file.duration_seconds for file in reader.files) / 60.0, 4)
            for name, reader in readers.items()
        },
        "voiced_share": round(voiced_frames / frames, 4),
        **results,
        "histograms": {name: summaries[name].histogram() for name in ("f0_midi", "loudness_db")},
    }
