"""Schedules equal their closed forms; gradients are clipped."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import make_ensemble

from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.training.optimizer import InstrumentAdam, WarmUpExponentialDecay, make_optimizer


def rates(settings, steps):
    optimizer = make_optimizer(settings)
    values = []
    for step in steps:
        optimizer.iterations.assign(int(step))
        values.append(float(optimizer.learning_rate))
    return values


def test_exponential_decay_equals_its_closed_form():
    settings = TrainingSettings(
        learning_rate=3e-4, warm_up_steps=100, decay_rate=0.98, decay_steps=1000
    )
    steps = np.arange(0, 5000, 370)
    expected = 3e-4 * np.minimum((steps + 1) / 100, 1) * 0.98 ** (np.maximum(steps - 100, 0) / 1000)
    np.testing.assert_allclose(rates(settings, steps), expected, rtol=1e-5)


@pytest.mark.parametrize("rise", [0, 1, 2, 100])
def test_cosine_decay_equals_its_closed_form(rise):
    settings = TrainingSettings(steps=1100, learning_rate=3e-4, warm_up_steps=rise, decay="cosine")
    steps = np.arange(0, 1300, 93)
    fall = np.clip((steps - max(rise - 1, 0)) / (1100 - rise), 0.0, 1.0)
    expected = 3e-4 * np.minimum((steps + 1) / max(rise, 1), 1) * 0.5 * (1 + np.cos(np.pi * fall))
    np.testing.assert_allclose(rates(settings, steps), expected, rtol=1e-4, atol=1e-10)


def test_the_schedule_comes_back_from_its_config():
    schedule = WarmUpExponentialDecay(1.0, 100, 0.5, 10)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()


def test_what_distinguishes_instruments_has_a_rate_of_its_own():
    model = make_ensemble()
    optimizer = make_optimizer(
        TrainingSettings(learning_rate=1e-3, instrument_rate=8.0, warm_up_steps=0)
    )
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_variables]
    # The first step of Adam is the learning rate, whatever the gradient.
    optimizer.apply([keras.ops.ones(weight.shape) for weight in before], model.trainable_variables)
    faster = set()
    for weight, earlier in zip(model.trainable_variables, before, strict=True):
        change = earlier - keras.ops.convert_to_numpy(weight)
        if change.max() > 2e-3:
            faster.add(weight.name)
        expected = 8e-3 if weight.name in ("response", "gamma", "beta") else 1e-3
        np.testing.assert_allclose(change, expected, rtol=1e-3)
    assert faster == {"response", "gamma", "beta"}
    again = type(optimizer).from_config(optimizer.get_config())
    assert again.instrument_rate == 8.0


def weights_after_five_steps(optimizer, compiled):
    random = np.random.default_rng(0)
    shapes = ((40, 30), (50,), ())
    weights = [keras.Variable(random.normal(size=shape).astype("float32")) for shape in shapes]
    optimizer.build(weights)

    def apply(*gradients):
        optimizer.apply(gradients)

    if compiled:
        apply = tf.function(apply, autograph=False)
    for _ in range(5):
        apply(*(random.normal(size=shape).astype("float32") for shape in shapes))
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


@pytest.mark.parametrize("compiled", [False, True])
def test_steps_equal_those_of_keras(compiled):
    if compiled and keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow's variables change in graphs")
    settings = {"learning_rate": WarmUpExponentialDecay(0.01, 100, 0.5, 10), "global_clipnorm": 1.0}
    ours = weights_after_five_steps(InstrumentAdam(**settings), compiled)
    theirs = weights_after_five_steps(keras.optimizers.Adam(**settings), compiled)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_settings_reach_the_optimizer():
    optimizer = make_optimizer(TrainingSettings(gradient_norm=2.0, average_momentum=0.9))
    assert optimizer.global_clipnorm == 2.0
    assert optimizer.use_ema and optimizer.ema_momentum == 0.9
    assert not make_optimizer(TrainingSettings()).use_ema
