"""Statistics against numpy on all frames at once."""

import numpy as np
import pytest
from whole_files import whole_files

from ddsp_tf.data.preparation import prepare_dataset


def test_statistics_are_those_of_the_voiced_training_frames(record, extractor, tmp_path):
    for name, seconds, gain in (("a.wav", 9.5, 0.5), ("b.wav", 3.0, 0.05), ("c.wav", 6.0, 0.011)):
        record(name, seconds, gain=gain)
    manifest = prepare_dataset(
        tmp_path / "audio", tmp_path / "dataset", extractor=extractor, validation_share=0.34
    )
    measured = manifest.statistics
    files = list(whole_files(manifest, "train"))
    confidence = np.concatenate([file["f0_confidence"] for file in files])
    assert measured["split"] == "train"
    assert measured["voiced_share"] == pytest.approx(np.mean(confidence >= 0.5), abs=1e-4)
    assert measured["minutes"]["train"] == pytest.approx(confidence.size / 50 / 60, abs=1e-4)
    assert set(measured["minutes"]) == {"train", "validation"}
    for name in ("f0_midi", "loudness_db", "power_db"):
        windows = []
        for file in files:
            values = file["f0_hz"] if name == "f0_midi" else file[name]
            values = 69 + 12 * np.log2(values / 440) if name == "f0_midi" else values
            for k in range(0, values.size, 200):
                voiced = file["f0_confidence"][k : k + 200] >= 0.5
                if voiced.any():
                    windows.append(values[k : k + 200][voiced])
        values = np.concatenate(windows)
        expected = {
            "min": values.min(),
            "max": values.max(),
            "mean": values.mean(dtype=np.float64),
            "p5": np.percentile(values, 5, method="inverted_cdf"),
            "p95": np.percentile(values, 95, method="inverted_cdf"),
            "mean_min": np.mean([window.min() for window in windows]),
            "mean_max": np.mean([window.max() for window in windows]),
        }
        assert measured[name] == pytest.approx(expected, abs=0.011)
    for name, hz in measured["f0_hz"].items():
        assert 69 + 12 * np.log2(hz / 440) == pytest.approx(measured["f0_midi"][name], abs=1e-3)
