"""Tests of the distances between features, against values computed by hand."""

import math

import numpy as np
import pytest

from ddsp_tf.metrics import distances as metrics

F0_METRICS = [metrics.f0_l1_semitones, metrics.f0_outlier_share, metrics.f0_accuracy]

# Target A4 throughout. Rendered: exact; 3 semitones up; 0.25 down; no pitch; an octave off but
# where the target is unsure.
TARGET_HZ = np.full(5, 440.0)
RENDERED_HZ = 440.0 * 2.0 ** (np.array([0.0, 3.0, -0.25, 0.0, 12.0]) / 12.0)
RENDERED_HZ[3] = 0.0
CONFIDENCE = np.array([0.9, 1.0, 0.81, 0.95, 0.8])


def test_loudness_l1_is_the_mean_absolute_difference():
    assert metrics.loudness_l1_db([-20.0, -40.0, -60.0], [-23.0, -40.0, -57.0]) == 2.0


def test_f0_l1_leaves_unsure_targets_and_missing_pitch_out():
    value = metrics.f0_l1_semitones(TARGET_HZ, RENDERED_HZ, CONFIDENCE)
    assert value == pytest.approx((0.0 + 3.0 + 0.25) / 3.0)


def test_f0_l1_judges_more_frames_at_a_lower_threshold():
    value = metrics.f0_l1_semitones(TARGET_HZ, RENDERED_HZ, CONFIDENCE, threshold=0.5)
    assert value == pytest.approx((0.0 + 3.0 + 0.25 + 12.0) / 4.0)


def test_outliers_are_far_or_missing():
    assert metrics.f0_outlier_share(TARGET_HZ, RENDERED_HZ, CONFIDENCE) == 2 / 4
    strict = metrics.f0_outlier_share(TARGET_HZ, RENDERED_HZ, CONFIDENCE, tolerance_semitones=0.2)
    assert strict == 3 / 4


def test_accuracy_counts_frames_within_the_cents():
    assert metrics.f0_accuracy(TARGET_HZ, RENDERED_HZ, CONFIDENCE) == 2 / 4
    assert metrics.f0_accuracy(TARGET_HZ, RENDERED_HZ, CONFIDENCE, cents=20) == 1 / 4


def test_accuracy_and_outliers_complement_each_other(rng):
    target = rng.uniform(100.0, 800.0, (4, 50))
    rendered = target * rng.uniform(0.9, 1.1, target.shape)
    confidence = rng.uniform(0.0, 1.0, target.shape)
    accuracy = metrics.f0_accuracy(target, rendered, confidence)
    outliers = metrics.f0_outlier_share(target, rendered, confidence)
    assert 0.0 < accuracy < 1.0
    assert accuracy + outliers == pytest.approx(1.0)


def test_clips_are_pooled_frame_by_frame():
    batch = [np.stack([array, array[::-1]]) for array in (TARGET_HZ, RENDERED_HZ, CONFIDENCE)]
    for metric in F0_METRICS:
        single = metric(TARGET_HZ, RENDERED_HZ, CONFIDENCE)
        assert metric(*batch) == pytest.approx(single)
    assert metrics.loudness_l1_db(np.zeros((2, 3)), [[0, 0, 3], [0, 3, 0]]) == 1.0


def test_sharp_and_flat_count_alike():
    up = metrics.f0_l1_semitones([440.0], [660.0], [1.0])
    down = metrics.f0_l1_semitones([660.0], [440.0], [1.0])
    assert up == pytest.approx(down) == pytest.approx(7.01955, abs=1e-5)


def test_a_target_without_pitch_is_not_judged_however_sure():
    assert metrics.f0_outlier_share([0.0, 440.0], [440.0, 440.0], [1.0, 1.0]) == 0.0


@pytest.mark.parametrize("metric", F0_METRICS)
def test_no_judged_frame_is_nan(metric):
    assert math.isnan(metric([440.0], [440.0], [0.1]))
    assert math.isnan(metric([], [], []))


def test_render_without_any_pitch():
    arguments = ([440.0, 440.0], [0.0, 0.0], [1.0, 1.0])
    assert math.isnan(metrics.f0_l1_semitones(*arguments))
    assert metrics.f0_outlier_share(*arguments) == 1.0
    assert metrics.f0_accuracy(*arguments) == 0.0


@pytest.mark.parametrize("metric", F0_METRICS)
def test_shapes_that_differ_are_refused(metric):
    with pytest.raises(ValueError, match=r"f0_hz \(2,\).*target_confidence \(3,\)"):
        metric([440.0, 440.0], [440.0, 440.0], [1.0, 1.0, 1.0])


def test_loudness_refuses_other_ranks():
    with pytest.raises(ValueError, match=r"\[frames\].*\(1, 1, 1\)"):
        metrics.loudness_l1_db([[[0.0]]], [[[0.0]]])
