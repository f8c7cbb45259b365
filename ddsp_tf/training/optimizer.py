"""The optimizer of a run."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.configuration.settings import TrainingSettings

# Names of the instruments' weights, in `Harmonic` and in normalizations.
_OF_INSTRUMENTS = ("response", "gamma", "beta")


def make_optimizer(settings: TrainingSettings) -> keras.optimizers.Optimizer:
    """Builds the optimizer that training settings describe, for `model.compile`.

    Args:
        settings: Settings of the run, such as `load_experiment(...).training`.

    Returns:
        `InstrumentAdam` with the learning-rate schedule, gradient clipping and, if requested, the
        moving average of the weights.

    Example:
        >>> make_optimizer(TrainingSettings(gradient_norm=3.0)).global_clipnorm
        3.0
    """
    momentum = settings.average_momentum
    return InstrumentAdam(
        _schedule(settings),
        instrument_rate=settings.instrument_rate,
        global_clipnorm=settings.gradient_norm,
        use_ema=momentum > 0.0,
        ema_momentum=momentum,
    )


def _schedule(settings: TrainingSettings) -> keras.optimizers.schedules.LearningRateSchedule:
    rate, rise = settings.learning_rate, settings.warm_up_steps
    if settings.decay == "exponential":
        return WarmUpExponentialDecay(rate, settings.decay_steps, settings.decay_rate, rise)
    fall = max(settings.steps - rise, 1)
    if rise < 2:
        return keras.optimizers.schedules.CosineDecay(rate, fall)
    # Step 0 has the rate of one warm-up step, not 0, so it changes the weights.
    return keras.optimizers.schedules.CosineDecay(
        rate / rise, fall, warmup_target=rate, warmup_steps=rise - 1
    )


@keras.saving.register_keras_serializable(package="ddsp_tf")
class InstrumentAdam(keras.optimizers.Adam):
    """Adam (Kingma and Ba, ICLR 2015) with a separate rate for weights of single instruments.

    Adam changes a weight by about the learning rate in each step, so in a few hundred steps a
    frequency response moves by only a few decibels, whereas instruments differ by tens.

    Args:
        *args: Arguments of `keras.optimizers.Adam`.
        instrument_rate: Factor of the learning rate for frequency responses and for the scales
            and offsets of normalizations, above 0.
        **kwargs: Further arguments of `keras.optimizers.Adam`.

    Example:
        >>> InstrumentAdam(1e-4, instrument_rate=10.0).get_config()["instrument_rate"]
        10.0
    """

    def __init__(self, *args: Any, instrument_rate: float = 1.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.instrument_rate = instrument_rate

    def update_step(self, gradient, variable, learning_rate):
        """Updates a variable."""
        # In TensorFlow, the name contains the path and a number.
        if variable.name.partition(":")[0].rpartition("/")[2] in _OF_INSTRUMENTS:
            learning_rate = learning_rate * self.instrument_rate
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "instrument_rate": self.instrument_rate}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class WarmUpExponentialDecay(keras.optimizers.schedules.ExponentialDecay):
    """Linear warm-up, then exponential decay.

    Keras's `ExponentialDecay` has no warm-up.

    Args:
        initial_learning_rate: Highest learning rate, at the end of the warm-up.
        decay_steps: Steps over which the rate falls by `decay_rate`.
        decay_rate: Factor of the decay.
        warmup_steps: Steps of the warm-up; 0 for none.
        name: Name of the schedule.

    Call arguments:
        step: Step number, from 0.

    Returns:
        Learning rate of that step.

    Example:
        >>> schedule = WarmUpExponentialDecay(1.0, decay_steps=100, decay_rate=0.5, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 4, 10, 110)]
        [0.1, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        warmup_steps: int = 0,
        name: str = "WarmUpExponentialDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, name=name)
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """Returns the learning rate of a step."""
        step = ops.cast(step, "float32")
        rise = ops.minimum((step + 1.0) / max(self.warmup_steps, 1), 1.0)
        return rise * super().__call__(ops.maximum(step - self.warmup_steps, 0.0))

    def get_config(self):
        """Returns the constructor's arguments."""
        config = super().get_config()
        del config["staircase"]
        return {**config, "warmup_steps": self.warmup_steps}
