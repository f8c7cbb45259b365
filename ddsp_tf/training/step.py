"""One optimizer step, on either backend."""

import contextlib

import keras
import numpy as np

from ddsp_tf.training.schedules import WarmUpCosineDecay, WarmUpExponentialDecay
from ddsp_tf.typing import Tensor


def make_optimizer(settings):
    """Builds the optimizer of a run.

    Args:
        settings: `TrainingSettings`.

    Returns:
        Adam (Kingma and Ba, ICLR 2015) with the run's schedule, and with a running average of
        the weights if the settings ask for one.

    Example:
        >>> from ddsp_tf.configuration.settings import TrainingSettings
        >>> make_optimizer(TrainingSettings()).use_ema
        False
    """
    rise = (settings.learning_rate, settings.warm_up_steps)
    if settings.decay == "cosine":
        schedule = WarmUpCosineDecay(*rise, settings.steps)
    else:
        schedule = WarmUpExponentialDecay(*rise, settings.decay_rate, settings.decay_steps)
    momentum = settings.average_momentum
    return keras.optimizers.Adam(schedule, use_ema=momentum > 0.0, ema_momentum=momentum)


def scope(devices: int):
    """Returns the context in which a model must be made to be trained on several devices.

    Args:
        devices: How many.

    Returns:
        A context manager; on JAX, and for one device, it does nothing.

    Raises:
        ValueError: If TensorFlow finds fewer devices.

    Example:
        >>> with scope(devices=1):
        ...     layer = keras.layers.Dense(1)
    """
    if devices == 1 or keras.backend.backend() == "jax":
        return contextlib.nullcontext()
    from ddsp_tf.training.tensorflow_step import distribution

    return distribution(devices).scope()


class TrainingStep:
    """Trains a model batch by batch; keeps the weights' running average, if there is one.

    Noise and learning rate of a step depend on nothing but the seed and the step's number.

    Args:
        objective: An `Objective`; its model is trained.
        optimizer: From `make_optimizer`.
        gradient_norm: Largest global norm of the gradient.
        seed: Of the noise.
        devices: Over how many the batch is divided. The model must have been made under `scope`.

    Raises:
        ValueError: If there are fewer devices.

    Attributes:
        names: What the numbers are that `run` gives.
    """

    def __init__(self, objective, optimizer, gradient_norm, seed, devices=1):
        if keras.backend.backend() == "jax":
            from ddsp_tf.training.jax_step import JaxStep as Step
        else:
            from ddsp_tf.training.tensorflow_step import TensorFlowStep as Step
        self.model, self.optimizer = objective.model, optimizer
        self.names = (*objective.names, "gradient_norm", "learning_rate")
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        self._step = Step(objective, optimizer, gradient_norm, seed, devices)

    def run(self, batch, step: int) -> Tensor:
        """Trains on one batch.

        Args:
            batch: Of `training_batches`.
            step: Number of the step, from 0.

        Returns:
            [names], still being computed: the numbers of `Objective.measure`, the gradient's norm
            before it is shortened, and the learning rate. One array, to be fetched from a GPU at
            once.
        """
        return self._step.run(batch, step)

    def steps_done(self) -> int:
        """Returns how many steps have changed the weights."""
        self._step.write()
        return int(_to_numpy(self.optimizer.iterations))

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns everything a later process needs to go on, by name."""
        self._step.write()
        groups = {"model": self.model.variables, "optimizer": self.optimizer.variables}
        return {
            f"{group}/{number}": _to_numpy(variable)
            for group, variables in groups.items()
            for number, variable in enumerate(variables)
        }

    def restore(self, arrays: dict[str, np.ndarray]):
        """Takes what `arrays` gave.

        Raises:
            ValueError: If the arrays are of another model or optimizer.
        """
        groups = {"model": self.model.variables, "optimizer": self.optimizer.variables}
        wanted = {
            f"{group}/{number}": variable
            for group, variables in groups.items()
            for number, variable in enumerate(variables)
        }
        found = {name: array.shape for name, array in arrays.items()}
        if found != {name: tuple(variable.shape) for name, variable in wanted.items()}:
            raise ValueError("weights of another model or optimizer")
        for name, variable in wanted.items():
            variable.assign(arrays[name])
        self._step.read()

    @contextlib.contextmanager
    def weights_to_keep(self):
        """Puts the weights' running average into the model for the time of the block.

        Without an average the model holds the weights being trained.
        """
        self._step.write()
        if not self.optimizer.use_ema:
            yield
            return
        variables = self.model.trainable_variables
        trained = [_to_numpy(variable) for variable in variables]
        try:
            # Before the first step there is no average yet.
            if self.steps_done() > 0:
                self.optimizer.finalize_variable_values(variables)
            yield
        finally:
            for variable, value in zip(variables, trained, strict=True):
                variable.assign(value)


def _to_numpy(variable) -> np.ndarray:
    # A variable on several devices becomes a tensor, but no array.
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable)))
