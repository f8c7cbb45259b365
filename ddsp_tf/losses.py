"""Losses between audio signals."""

import keras
from keras import ops

from ddsp_tf.dsp.spectral import log_magnitude, stft_magnitude


@keras.saving.register_keras_serializable(package="ddsp_tf")
class MultiScaleSpectralLoss(keras.losses.Loss):
    """Distance of short-time spectra at several window sizes.

    For every size the mean absolute difference of magnitudes and of log magnitudes, summed over
    the sizes: the loss of Engel et al., "DDSP: Differentiable Digital Signal Processing"
    (ICLR 2020), equal to the original code's in value. At 16 kHz a total of about 4.5 to 5 is
    what the field calls trained.

    Args:
        fft_sizes: Window sizes in samples, multiples of 4.
        magnitude_weight: Weight of the linear magnitudes' L1 distance.
        log_magnitude_weight: Weight of the log magnitudes' L1 distance.
        name: Name of the loss.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Call arguments:
        y_true: Target audio [batch, samples].
        y_pred: Audio [batch, samples].

    Raises:
        ValueError: If there is no size, or a size is not a multiple of 4.

    Example:
        >>> import numpy as np
        >>> loss = MultiScaleSpectralLoss()
        >>> audio = np.random.default_rng(0).uniform(-1, 1, (1, 4000)).astype("float32")
        >>> float(loss(audio, audio))
        0.0
    """

    def __init__(
        self,
        fft_sizes=(2048, 1024, 512, 256, 128, 64),
        magnitude_weight=1.0,
        log_magnitude_weight=1.0,
        name="spectral_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.fft_sizes = tuple(int(size) for size in fft_sizes)
        if not self.fft_sizes or any(size < 4 or size % 4 for size in self.fft_sizes):
            raise ValueError(f"fft_sizes={fft_sizes}; expected multiples of 4, at least one")
        self.magnitude_weight = magnitude_weight
        self.log_magnitude_weight = log_magnitude_weight

    def terms(self, y_true, y_pred):
        """Computes every term of the sum, weighted.

        Args:
            y_true: Target audio [batch, samples].
            y_pred: Audio [batch, samples].

        Returns:
            Dictionary from "magnitude_2048", "log_magnitude_2048", ... to [batch] values; a term
            whose weight is 0 is absent.
        """
        terms = {}
        for size in self.fft_sizes:
            target, value = stft_magnitude(y_true, size), stft_magnitude(y_pred, size)
            if self.magnitude_weight:
                distance = ops.mean(ops.abs(target - value), axis=(1, 2))
                terms[f"magnitude_{size}"] = self.magnitude_weight * distance
            if self.log_magnitude_weight:
                distance = ops.abs(log_magnitude(target) - log_magnitude(value))
                distance = ops.mean(distance, axis=(1, 2))
                terms[f"log_magnitude_{size}"] = self.log_magnitude_weight * distance
        return terms

    def call(self, y_true, y_pred):
        """Returns the [batch] sum of all terms."""
        return sum(self.terms(y_true, y_pred).values())

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "fft_sizes": self.fft_sizes,
            "magnitude_weight": self.magnitude_weight,
            "log_magnitude_weight": self.log_magnitude_weight,
        }
