"""The optimizer of a run."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.typing import Tensor

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
        **kwargs: Further arguments of `keras.optimizers.Adam`, except `amsgrad`.

    Example:
        >>> InstrumentAdam(1e-4, instrument_rate=10.0).get_config()["instrument_rate"]
        10.0
    """

    def __init__(self, *args: Any, instrument_rate: float = 1.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.instrument_rate = instrument_rate

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        sizes = self.step_sizes(learning_rate)
        super()._backend_update_step(grads, trainable_variables, sizes)

    def step_sizes(self, learning_rate: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what the bias correction of a step makes of the learning rate.

        Keras computes it again for every variable: a tenth of all operations of a training step.

        Args:
            learning_rate: Learning rate of the step, a scalar.

        Returns:
            Sizes for the weights of instruments and for all others.
        """
        step = ops.cast(self.iterations + 1, "float32")
        mean, square = (1 - ops.power(beta, step) for beta in (self.beta_1, self.beta_2))
        return tuple(
            rate * ops.sqrt(square) / mean
            for rate in (learning_rate * self.instrument_rate, learning_rate)
        )

    def update_step(self, gradient, variable, learning_rate):
        """Updates a variable.

        Args:
            gradient: Gradient of the variable.
            variable: Variable to update.
            learning_rate: `step_sizes` of the step.
        """
        # In TensorFlow, the name contains the path and a number.
        name = variable.name.partition(":")[0].rpartition("/")[2]
        size = learning_rate[0 if name in _OF_INSTRUMENTS else 1]
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        mean, square = ops.convert_to_tensor(momentum), ops.convert_to_tensor(velocity)
        mean = mean + (gradient - mean) * (1 - self.beta_1)
        square = square + (ops.square(gradient) - square) * (1 - self.beta_2)
        self.assign(momentum, mean)
        self.assign(velocity, square)
        self.assign_sub(variable, mean * size / (ops.sqrt(square) + self.epsilon))

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
