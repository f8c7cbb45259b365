"""Fits inputs and weights of processors to audio by gradient descent, without a network."""

from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import ops


class FittedInputs(keras.Model):
    """A processor group whose raw inputs are themselves the weights.

    The inputs that a decoder would compute from pitch and loudness are free here in every frame, so
    that no network limits the processors.

    Args:
        group: `ProcessorGroup` whose own weights are fitted as well.
        start: Raw inputs to start from, [1, frames, channels] each, by name.
        fixed: Inputs that are not fitted, such as "f0_hz" [1, frames, 1].

    Call arguments:
        signal: Input `signal_name` of the group, [batch, samples].

    Returns:
        Audio [batch, samples].
    """

    def __init__(
        self,
        group,
        start: Mapping[str, np.ndarray] | None = None,
        fixed: Mapping[str, np.ndarray] | None = None,
        signal_name: str = "noise",
    ):
        super().__init__(autocast=False)
        self.group, self.signal_name = group, signal_name
        self.fixed = {name: np.float32(value) for name, value in (fixed or {}).items()}
        self.raw = {
            name: self.add_weight(
                shape=np.shape(value),
                initializer=keras.initializers.Constant(np.float32(value)),
                name=name,
            )
            for name, value in (start or {}).items()
        }
        group.build(None)
        self.built = True

    def call(self, signal):
        """Returns the group's audio."""
        return self.group(self._inputs(signal))

    def controls(self, signal) -> dict[str, dict[str, np.ndarray]]:
        """Returns the current controls of every processor."""
        _, controls = self.group.render(self._inputs(signal))
        return {
            node: {name: ops.convert_to_numpy(value) for name, value in values.items()}
            for node, values in controls.items()
        }

    def _inputs(self, signal):
        signal = ops.convert_to_tensor(signal)
        # The same inputs for every clip of the batch.
        batch = ops.zeros_like(signal[:, :1, None])
        values = {**self.fixed, **{name: weight.value for name, weight in self.raw.items()}}
        inputs = {name: ops.convert_to_tensor(value) + batch for name, value in values.items()}
        return {**inputs, self.signal_name: signal}


def descend(
    model: keras.Model,
    loss: keras.losses.Loss,
    target: np.ndarray,
    signal_of: Callable[[int], np.ndarray],
    *,
    steps: int,
    rate: float,
):
    """Fits a model to a recording with Adam and a cosine schedule.

    Args:
        model: Model to fit.
        loss: `MultiScaleSpectralLoss`.
        target: Audio [batch, samples].
        signal_of: Function from a step to the model's input [batch, samples]. With new noise in
            every step, the descent finds the spectrum of the noise instead of its samples.
        steps: Number of steps.
        rate: Highest learning rate.
    """
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    # On a GPU "auto" compiles with XLA; on a CPU that would only cost time.
    model.compile(keras.optimizers.Adam(schedule), loss)
    for step in range(steps):
        model.train_on_batch(signal_of(step), target)


def losses(loss, target: np.ndarray, audio) -> dict[str, float]:
    """Returns the mean loss of clips by kind, and their sum as "loss"."""
    kinds = loss.kind_sums(np.float32(target), ops.convert_to_tensor(audio, "float32"))
    values = {name: float(ops.mean(value)) for name, value in kinds.items()}
    return {"loss": sum(values.values()), **values}
