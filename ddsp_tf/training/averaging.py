"""Validation of the moving average of the weights in place of the weights."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np


def to_numpy(variable) -> np.ndarray:
    """Returns the value of a Keras variable, which may be on several devices."""
    # Then it can be converted to a tensor, but not to an array.
    return np.asarray(keras.ops.copy(variable))


def optimizer_of(model: keras.Model) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a compiled model, without its wrapper for loss scaling."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Replaces the weights of a model by their moving average while the block runs.

    Without an average, or before the first step, the model keeps its weights.

    Args:
        model: Compiled model. Its optimizer keeps an average if created with `use_ema=True`.

    Example:
        >>> model = keras.Sequential([keras.layers.Dense(1)])
        >>> model.build((None, 1))
        >>> model.compile(keras.optimizers.Adam(use_ema=True))
        >>> with averaged_weights(model):
        ...     audio = model.predict(np.ones((1, 1)), verbose=0)
    """
    optimizer = optimizer_of(model)
    if not optimizer.use_ema or int(to_numpy(optimizer.iterations)) == 0:
        yield
        return
    variables = model.trainable_variables
    trained = [to_numpy(variable) for variable in variables]
    try:
        optimizer.finalize_variable_values(variables)
        # Keras passes the arrays of the weights to JAX, which deletes them, so they must not be
        # those of the average.
        for variable in variables:
            variable.assign(to_numpy(variable))
        yield
    finally:
        for variable, value in zip(variables, trained, strict=True):
            variable.assign(value)


class ValidateAverage(keras.callbacks.Callback):
    """Validates the moving average of the weights.

    `keras.callbacks.SwapEMAWeights` exchanges the two by adding and subtracting, which rounds, so
    the number of validations would change the training.

    Example:
        >>> callbacks = [ValidateAverage()]
    """

    def on_test_begin(self, logs=None):
        """Replaces the weights by the average."""
        self._block = averaged_weights(self.model)
        self._block.__enter__()

    def on_test_end(self, logs=None):
        """Restores the weights."""
        self._block.__exit__(None, None, None)
