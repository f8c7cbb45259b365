import keras
import numpy as np
import pytest
from ddsp_tf.training.schedules import WarmUpCosineDecay, WarmUpExponentialDecay
from ddsp_tf.training.step import make_optimizer

from ddsp_tf.configuration.settings import TrainingSettings


def test_schedule_equals_its_closed_form():
    schedule = WarmUpExponentialDecay(3e-4, 100, 0.98, 1000)
    steps = np.arange(0, 5000, 37)
    expected = 3e-4 * np.minimum((steps + 1) / 100, 1) * 0.98 ** (np.maximum(steps - 100, 0) / 1000)
    values = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_cosine_equals_its_closed_form():
    schedule = WarmUpCosineDecay(3e-4, 100, 1100)
    steps = np.arange(0, 1300, 13)
    share = np.clip((steps - 100) / 1000, 0.0, 1.0)
    expected = 3e-4 * np.minimum((steps + 1) / 100, 1) * 0.5 * (1.0 + np.cos(np.pi * share))
    values = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-10)


@pytest.mark.parametrize("decay", ["exponential", "cosine"])
def test_the_settings_choose(decay):
    optimizer = make_optimizer(TrainingSettings(decay=decay, steps=700, warm_up_steps=10))
    kind = {"exponential": WarmUpExponentialDecay, "cosine": WarmUpCosineDecay}[decay]
    assert isinstance(optimizer._learning_rate, kind)
    assert optimizer._learning_rate.warm_up_steps == 10


def test_no_warm_up_starts_at_the_top():
    assert float(WarmUpExponentialDecay(0.5, 0, 0.9, 10)(0)) == 0.5


@pytest.mark.parametrize(
    "schedule",
    [WarmUpExponentialDecay(3e-4, 100, 0.98, 1000), WarmUpCosineDecay(3e-4, 100, 1100)],
)
def test_schedule_serializes(schedule):
    config = keras.optimizers.serialize(keras.optimizers.Adam(schedule))
    again = keras.optimizers.deserialize(config)
    assert again._learning_rate.get_config() == schedule.get_config()
