"""Statistics of several datasets: the widest ranges, and weighted means."""

from ddsp_tf.training.merged_statistics import merged_statistics


def statistics(minutes, lowest, highest):
    middle = (lowest + highest) / 2.0
    pitch = {"min": lowest, "p5": lowest + 1, "mean": middle, "p95": highest - 1, "max": highest}
    minutes = {"train": minutes, "validation": 1.0}
    return {"split": "train", "minutes": minutes, "voiced_share": 0.5, "f0_midi": pitch}


LOW, HIGH = statistics(3.0, 40.0, 60.0), statistics(1.0, 50.0, 80.0)


def test_ranges_are_the_widest_and_means_go_by_minutes():
    merged = merged_statistics([LOW, HIGH])
    assert merged["f0_midi"] == {"min": 40.0, "p5": 41.0, "mean": 53.75, "p95": 79.0, "max": 80.0}
    assert merged["minutes"] == {"train": 4.0, "validation": 2.0}


def test_weights_replace_minutes():
    merged = merged_statistics([LOW, HIGH], weights=[1.0, 3.0])
    assert merged["f0_midi"]["mean"] == 61.25


def test_one_dataset_is_unchanged():
    assert merged_statistics([LOW]) is LOW
