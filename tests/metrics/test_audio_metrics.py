"""Metrics for `compile`, against what numpy measures."""

import keras
import numpy as np
import pytest

from ddsp_tf.features.loudness import loudness_db
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.metrics import LevelDifference, LossTerms, LoudnessDistance, PitchDistance

RATE = 16000


@pytest.fixture
def clips(rng):
    """Recordings and renders of different levels, [2, samples] each."""
    true = rng.normal(0.0, 0.1, (2, RATE)).astype(np.float32)
    return true, (true * np.float32([[0.5], [0.1]])).astype(np.float32)


def tone(hz):
    time = np.arange(RATE) / RATE
    return sum(np.sin(2.0 * np.pi * k * hz * time) / k for k in range(1, 6)).astype(np.float32)


def test_loudness_is_that_of_the_features(clips):
    true, predicted = clips
    metric = LoudnessDistance(RATE, 250)
    metric.update_state(true, predicted)
    curves = [[loudness_db(clip, RATE, 64) for clip in part] for part in clips]
    assert float(metric.result()) == pytest.approx(np.mean(np.abs(np.subtract(*curves))), abs=1e-2)


def test_level_differs_by_the_gains(clips):
    metric = LevelDifference()
    metric.update_state(*clips)
    assert float(metric.result()) == pytest.approx(-(6.0206 + 20.0) / 2.0, abs=1e-3)
    metric.reset_state()
    metric.update_state(*clips, sample_weight=np.float32([1.0, 0.0]))
    assert float(metric.result()) == pytest.approx(-6.0206, abs=1e-3)


def test_pitch_counts_semitones_where_both_have_one(rng):
    true = np.stack([tone(220.0), tone(330.0)])
    predicted = np.stack([tone(220.0 * 2.0 ** (2.0 / 12.0)), np.zeros(RATE, np.float32)])
    metric = PitchDistance(RATE, 250)
    metric.update_state(true, predicted)
    assert float(metric.result()) == pytest.approx(2.0, abs=0.05)


def test_terms_of_the_loss_sum_to_it(clips):
    loss = MultiScaleSpectralLoss((512, 128))
    metric = LossTerms(loss)
    metric.update_state(*clips)
    terms = {name: float(value) for name, value in metric.result().items()}
    assert set(terms) == {"magnitude", "log_magnitude"}
    assert sum(terms.values()) == pytest.approx(float(loss(*clips)), rel=1e-5)
    metric.reset_state()
    metric.update_state(*clips, sample_weight=np.float32([0.0, 1.0]))
    second = float(loss(*(clip[1:] for clip in clips)))
    assert sum(map(float, metric.result().values())) == pytest.approx(second, rel=1e-5)


@pytest.mark.parametrize(
    "metric",
    [
        LoudnessDistance(48000, 100, fft_size=1024),
        PitchDistance(48000, 100, threshold=0.5),
        LevelDifference(),
        LossTerms(MultiScaleSpectralLoss((64,))),
    ],
)
def test_metrics_come_back_from_their_config(metric):
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is type(metric)
    ours, theirs = metric.get_config(), again.get_config()
    ours.pop("loss", None), theirs.pop("loss", None)
    assert ours == theirs
