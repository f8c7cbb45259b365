"""Learning rate over the course of a run."""

import math

import keras
from keras import ops


class _WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0, then whatever `_fall` says."""

    def __init__(self, learning_rate, warm_up_steps):
        super().__init__()
        self.learning_rate = learning_rate
        self.warm_up_steps = warm_up_steps

    def __call__(self, step):
        """Returns the learning rate of a step."""
        step = ops.cast(step, "float32")
        rise = ops.minimum((step + 1.0) / max(self.warm_up_steps, 1), 1.0)
        after = ops.maximum(step - self.warm_up_steps, 0.0)
        return self.learning_rate * rise * self._fall(after)

    def _fall(self, after):
        """Returns the factor at so many steps after the rise."""
        raise NotImplementedError

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"learning_rate": self.learning_rate, "warm_up_steps": self.warm_up_steps}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class WarmUpExponentialDecay(_WarmUp):
    """Rises linearly from 0, then falls exponentially.

    Args:
        learning_rate: The highest value.
        warm_up_steps: Steps of the rise; 0 for none.
        decay_rate: Factor of the fall over `decay_steps`.
        decay_steps: See `decay_rate`.

    Call arguments:
        step: Step number, from 0.

    Returns:
        Learning rate of that step.

    Example:
        >>> schedule = WarmUpExponentialDecay(1.0, 10, 0.5, 100)
        >>> [round(float(schedule(step)), 3) for step in (0, 4, 10, 110)]
        [0.1, 0.5, 1.0, 0.5]
    """

    def __init__(self, learning_rate, warm_up_steps, decay_rate, decay_steps):
        super().__init__(learning_rate, warm_up_steps)
        self.decay_rate = decay_rate
        self.decay_steps = decay_steps

    def _fall(self, after):
        return ops.power(self.decay_rate, after / self.decay_steps)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "decay_rate": self.decay_rate,
            "decay_steps": self.decay_steps,
        }


@keras.saving.register_keras_serializable(package="ddsp_tf")
class WarmUpCosineDecay(_WarmUp):
    """Rises linearly from 0, then falls to 0 along half a cosine.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (ICLR 2017),
    without the restarts.

    Args:
        learning_rate: The highest value.
        warm_up_steps: Steps of the rise; 0 for none.
        steps: Steps in all; from there on the rate is 0.

    Call arguments:
        step: Step number, from 0.

    Returns:
        Learning rate of that step.

    Example:
        >>> schedule = WarmUpCosineDecay(1.0, 10, 110)
        >>> [round(float(schedule(step)), 3) for step in (4, 10, 60, 110)]
        [0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, learning_rate, warm_up_steps, steps):
        super().__init__(learning_rate, warm_up_steps)
        self.steps = steps

    def _fall(self, after):
        share = ops.minimum(after / max(self.steps - self.warm_up_steps, 1), 1.0)
        return 0.5 + 0.5 * ops.cos(math.pi * share)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "steps": self.steps}
