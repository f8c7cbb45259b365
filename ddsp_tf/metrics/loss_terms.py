"""The terms of a loss, in addition to their sum."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="ddsp_tf")
class LossTerms(keras.metrics.Metric):
    """Means of the terms of a `MultiScaleSpectralLoss`, such as "magnitude" and "log_magnitude".

    Keras shows each under its own name.

    Args:
        loss: Loss with `kinds` and `kind_sums`.
        name: Name of the metric.
        **kwargs: Further `keras.metrics.Metric` arguments.

    Example:
        >>> import numpy as np
        >>> from ddsp_tf.losses import MultiScaleSpectralLoss
        >>> metric = LossTerms(MultiScaleSpectralLoss((64,)))
        >>> metric.update_state(np.zeros((1, 640), "float32"), np.zeros((1, 640), "float32"))
        >>> sorted(metric.result())
        ['log_magnitude', 'magnitude']
    """

    def __init__(self, loss: Any, name: str = "loss_terms", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.loss = loss
        self.means = {kind: keras.metrics.Mean(name=kind) for kind in loss.kinds}

    @property
    def variables(self) -> list[Any]:
        """Sums and counts of all terms."""
        return [variable for mean in self.means.values() for variable in mean.variables]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: recordings and renders, [batch, samples]."""
        for kind, values in self.loss.kind_sums(y_true, y_pred).items():
            self.means[kind].update_state(values, sample_weight)

    def result(self) -> dict[str, Any]:
        """Returns the means by name."""
        return {kind: mean.result() for kind, mean in self.means.items()}

    def reset_state(self) -> None:
        """Sets sums and counts to 0."""
        for mean in self.means.values():
            mean.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "loss": keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LossTerms":
        """Rebuilds the metric from `get_config`."""
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})
