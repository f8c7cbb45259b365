import keras
import numpy as np

from ddsp_tf.training.schedules import WarmUpExponentialDecay


def test_schedule_equals_its_closed_form():
    schedule = WarmUpExponentialDecay(3e-4, 100, 0.98, 1000)
    steps = np.arange(0, 5000, 37)
    expected = 3e-4 * np.minimum((steps + 1) / 100, 1) * 0.98 ** (np.maximum(steps - 100, 0) / 1000)
    values = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_no_warm_up_starts_at_the_top():
    assert float(WarmUpExponentialDecay(0.5, 0, 0.9, 10)(0)) == 0.5


def test_schedule_serializes():
    schedule = WarmUpExponentialDecay(3e-4, 100, 0.98, 1000)
    config = keras.optimizers.serialize(keras.optimizers.Adam(schedule))
    again = keras.optimizers.deserialize(config)
    assert again._learning_rate.get_config() == schedule.get_config()
