"""Statistics of all datasets that a model is trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def merged_statistics(
    statistics: Sequence[dict], weights: Sequence[float] | None = None
) -> dict[str, Any]:
    """Combines the statistics of datasets, for a model that is trained on all of them.

    Args:
        statistics: Results of `dataset_statistics`.
        weights: Shares of the datasets in training, in any unit; by default their minutes.

    Returns:
        Statistics of the same names. Extremes and percentiles are the widest, means are weighted.
    """
    if len(statistics) == 1:
        return statistics[0]
    if weights is None:
        weights = [one["minutes"].get(one["split"], 0.0) for one in statistics]
    shares = np.asarray(weights, np.float64) / max(float(np.sum(weights)), 1e-9)
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
