"""Distances between audio signals, for `model.compile(metrics=[...])`.

They measure the audio itself, so they only need what `fit` provides: recordings and renders.
`ddsp_tf.metrics.distances` compares curves that have been measured already.
"""

import math
from typing import Any

import keras
from keras import ops

from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.features.graph_loudness import graph_loudness_db
from ddsp_tf.features.yin import yin_pitch
from ddsp_tf.typing import Tensor

# Smallest mean square; keeps the logarithm of silence finite.
_SILENCE = 1e-12


class _OfAudio(keras.metrics.Mean):
    """A mean over clips of audio with a sample rate and a frame rate."""

    def __init__(self, sample_rate: int, frame_rate: float, name: str, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.sample_rate, self.frame_rate = sample_rate, frame_rate
        self.hop = hop_size(sample_rate, frame_rate)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        rates = {"sample_rate": self.sample_rate, "frame_rate": self.frame_rate}
        return {**super().get_config(), **rates}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class LoudnessDistance(_OfAudio):
    """Mean absolute difference of A-weighted loudness, in dB.

    The loudness distance of Engel et al., "DDSP: Differentiable Digital Signal Processing"
    (ICLR 2020).

    Args:
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        fft_size: Window of one frame in samples.
        name: Name of the metric.
        **kwargs: Further `keras.metrics.Metric` arguments.

    Call arguments:
        y_true: Recordings [batch, samples].
        y_pred: Renders [batch, samples].
        sample_weight: Weights of the clips [batch]; None for equal ones.

    Example:
        >>> import numpy as np
        >>> audio = np.random.default_rng(0).uniform(-0.1, 0.1, (1, 16000)).astype("float32")
        >>> metric = LoudnessDistance()
        >>> metric.update_state(audio, 0.5 * audio)
        >>> round(float(metric.result()), 1)
        6.0
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        fft_size: int = 512,
        name: str = "loudness_distance_db",
        **kwargs: Any,
    ):
        super().__init__(sample_rate, frame_rate, name, **kwargs)
        self.fft_size = fft_size

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch."""
        true, predicted = (
            graph_loudness_db(audio, self.sample_rate, self.hop, self.fft_size)
            for audio in (y_true, y_pred)
        )
        super().update_state(ops.mean(ops.abs(predicted - true), axis=1), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "fft_size": self.fft_size}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class PitchDistance(_OfAudio):
    """Mean absolute difference of pitch in semitones, where both sounds have one.

    YIN (`ddsp_tf.features.yin.yin_pitch`) tracks pitch within the graph. It takes as long as a
    training step, so it is meant for validation and short trainings.

    Args:
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        threshold: Confidence, 0 to 1, that a frame must exceed in both sounds to be judged.
        name: Name of the metric.
        **kwargs: Further `keras.metrics.Metric` arguments.

    Call arguments:
        y_true: Recordings [batch, samples].
        y_pred: Renders [batch, samples].
        sample_weight: Weights of the clips [batch]; None for equal ones.

    Example:
        >>> import numpy as np
        >>> time = np.arange(16000) / 16000
        >>> tones = [np.sin(2 * np.pi * hz * time)[None].astype("float32") for hz in (440, 466.16)]
        >>> metric = PitchDistance()
        >>> metric.update_state(*tones)
        >>> round(float(metric.result()), 1)
        1.0
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        threshold: float = 0.8,
        name: str = "pitch_distance_semitones",
        **kwargs: Any,
    ):
        super().__init__(sample_rate, frame_rate, name, **kwargs)
        self.threshold = threshold

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch."""
        true_hz, true_confidence = yin_pitch(y_true, self.sample_rate, self.hop)[:2]
        hz, confidence = yin_pitch(y_pred, self.sample_rate, self.hop)[:2]
        sure = ops.minimum(true_confidence, confidence) > self.threshold
        judged = ops.logical_and(sure, ops.minimum(true_hz, hz) > 0.0)
        weights = ops.cast(judged, "float32")
        if sample_weight is not None:
            weights = weights * ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
        ratio = ops.where(judged, hz, 1.0) / ops.where(judged, true_hz, 1.0)
        super().update_state(ops.abs(ops.log(ratio)) * (12.0 / math.log(2.0)), weights)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class LevelDifference(keras.metrics.Mean):
    """Mean difference of level in dB, above 0 if renders are louder than recordings.

    Args:
        name: Name of the metric.
        **kwargs: Further `keras.metrics.Metric` arguments.

    Call arguments:
        y_true: Recordings [batch, samples].
        y_pred: Renders [batch, samples].
        sample_weight: Weights of the clips [batch]; None for equal ones.

    Example:
        >>> import numpy as np
        >>> metric = LevelDifference()
        >>> metric.update_state(np.ones((1, 100), "float32"), np.full((1, 100), 0.1, "float32"))
        >>> round(float(metric.result()), 1)
        -20.0
    """

    def __init__(self, name: str = "level_difference_db", **kwargs: Any):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch."""
        true, predicted = (
            ops.log(ops.mean(ops.square(ops.cast(audio, "float32")), axis=1) + _SILENCE)
            for audio in (y_true, y_pred)
        )
        super().update_state((predicted - true) * (10.0 / math.log(10.0)), sample_weight)
