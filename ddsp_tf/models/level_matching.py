"""Levels that are computed from the controls instead of being learned."""

import math
from collections.abc import Mapping
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from ddsp_tf.dsp.noise_filter import response_gains
from ddsp_tf.features.loudness import a_weighting
from ddsp_tf.processors.filtered_noise import FilteredNoise
from ddsp_tf.processors.group import ProcessorGroup
from ddsp_tf.processors.harmonic import Harmonic
from ddsp_tf.typing import Tensor
from ddsp_tf.units import amplify_exp_sigmoid

# Mean square of uniform noise in [-1, 1].
_NOISE_POWER = 1.0 / 3.0
_LARGEST_GAIN_DB = 40.0
_SILENCE = 1e-10
# The control that sets the level, for each kind of synthesizer.
_LEVEL_INPUT = {Harmonic: "amplitudes", FilteredNoise: "noise_magnitudes"}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class LevelMatching:
    """Scales the synthesizers jointly, so that their sum has the level of the feature.

    The level of harmonics and filtered noise follows from their controls: the power of a sine is
    half the square of its amplitude, weighted by the ear's sensitivity at its frequency; the noise
    has the power of its filter. The decoder determines the timbre and the ratio of harmonics to
    noise; amplitudes and noise gains are scaled to the level feature frame by frame. Loudness
    therefore need not be learned, and is right even for levels without training data.

    It is not a Keras layer, because it has no weights and takes more than tensors: it needs the
    `ProcessorGroup` whose inputs it scales.

    Args:
        tolerance_db: Largest deviation from the level in dB that the decoder may choose, 0 or more:
            a room adds to the level, and attacks are faster than the frames of loudness. The
            deviation d becomes tolerance * tanh(d / tolerance).
        loudness_fft_size: Window of the loudness feature in samples, as in the `FeatureExtractor`:
            loudness grows by 3 dB with every doubling. Power does not depend on its window.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> harmonic = Harmonic(n_harmonics=2)
        >>> group = ProcessorGroup([(harmonic, ["amplitudes", "harmonic_distribution", "f0_hz"])])
        >>> inputs = {"amplitudes": ops.zeros((1, 1, 1)), "f0_hz": ops.full((1, 1, 1), 1000.0),
        ...           "harmonic_distribution": ops.convert_to_tensor([[[9.0, -99.0]]])}
        >>> matched = LevelMatching().match(group, inputs, "power_db", ops.full((1, 1, 1), -23.01))
        >>> round(float(harmonic.get_controls(**matched)["amplitudes"][0, 0, 0]), 3)
        0.1
    """

    def __init__(self, tolerance_db: float = 0.0, loudness_fft_size: int = 512):
        if tolerance_db < 0.0:
            raise ValueError(f"tolerance_db={tolerance_db}; expected 0 or more")
        if loudness_fft_size < 2:
            raise ValueError(f"loudness_fft_size={loudness_fft_size}; expected at least 2")
        self.tolerance_db = tolerance_db
        self.loudness_fft_size = loudness_fft_size

    def check(self, group: ProcessorGroup) -> None:
        """Raises ValueError if the group has a synthesizer whose level cannot be predicted."""
        nodes = {processor.name for processor in group.processors}
        for processor, names in zip(group.processors, group.connections, strict=True):
            if not nodes & set(names) and _level_input(processor) is None:
                raise ValueError(
                    f"level matching: {processor.name} is a {type(processor).__name__}; levels are "
                    "known for Harmonic and FilteredNoise"
                )

    def match(
        self, group: ProcessorGroup, inputs: Mapping[str, Tensor], feature: str, level_db: Tensor
    ) -> dict[str, Tensor]:
        """Scales amplitudes and noise gains.

        Args:
            group: `ProcessorGroup` whose synthesizers are `Harmonic` and `FilteredNoise`.
            inputs: Dictionary of the synthesizers' raw inputs, [batch, frames, channels] each.
            feature: Name of the level feature, "loudness_db" or "power_db".
            level_db: Level in dB [batch, frames, 1].

        Returns:
            The inputs; those that set levels are scaled.
        """
        missing = level_db - self.predict(group, inputs, feature)
        if self.tolerance_db:
            missing = missing - self.tolerance_db * ops.tanh(missing / self.tolerance_db)
        gain_db = ops.minimum(missing, _LARGEST_GAIN_DB)
        log_gain = gain_db * (math.log(10.0) / 20.0)
        moved = dict(inputs)
        for processor, names in _synthesizers(group, inputs):
            name = names[_level_input(processor)]
            if not processor.scale:
                moved[name] = inputs[name] * ops.exp(log_gain)
                continue
            bias = getattr(processor, "initial_bias", 0.0)
            moved[name] = amplify_exp_sigmoid(inputs[name] + bias, log_gain) - bias
        return moved

    def predict(self, group: ProcessorGroup, inputs: Mapping[str, Tensor], feature: str) -> Tensor:
        """Predicts the level of steady controls in dB, [batch, frames, 1]; see `match`."""
        power = _SILENCE
        for processor, names in _synthesizers(group, inputs):
            controls = processor.get_controls(**{key: inputs[name] for key, name in names.items()})
            if isinstance(processor, Harmonic):
                power = power + self._harmonic_power(controls, feature)
            else:
                power = power + self._noise_power(controls, feature, processor.sample_rate)
        return (10.0 / math.log(10.0)) * ops.log(power)

    def _harmonic_power(self, controls, feature):
        amplitudes = controls["amplitudes"] * controls["harmonic_distribution"]
        power = 0.5 * ops.square(amplitudes)
        if feature == "loudness_db":
            numbers = ops.arange(1, amplitudes.shape[-1] + 1, dtype="float32")
            frequencies = controls["f0_hz"] * numbers
            if "harmonic_shifts" in controls:
                frequencies = frequencies * (1.0 + controls["harmonic_shifts"])
            power = power * a_weighting(frequencies) * self._window_power()
        return ops.sum(power, axis=-1, keepdims=True)

    def _noise_power(self, controls, feature, sample_rate):
        n_bands = controls["noise_magnitudes"].shape[-1]
        # Twice as many frequencies as bands, so that no detail of the response is missed.
        matrix = response_gains(n_bands, 2 * n_bands - 1).astype(np.float32)
        gains = ops.matmul(controls["noise_magnitudes"], ops.convert_to_tensor(matrix))
        weights = np.full(2 * n_bands - 1, _NOISE_POWER / (2 * n_bands - 2))
        weights[[0, -1]] /= 2.0
        if feature == "loudness_db":
            frequencies = np.linspace(0.0, sample_rate / 2.0, weights.size)
            weights *= a_weighting(frequencies) * self._window_power()
        weights = ops.convert_to_tensor(weights.astype(np.float32)[:, None])
        return ops.matmul(ops.square(gains), weights)

    def _window_power(self) -> float:
        """Loudness of a mean square of 1 before weighting: half the window's power, per bin."""
        size = self.loudness_fft_size
        return size * (3.0 * size / 8.0) / 2.0 / (size // 2 + 1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"tolerance_db": self.tolerance_db, "loudness_fft_size": self.loudness_fft_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Recreates an object from `get_config`."""
        return cls(**config)


def _level_input(processor):
    found = (name for kind, name in _LEVEL_INPUT.items() if isinstance(processor, kind))
    return next(found, None)


def _synthesizers(group, inputs):
    """Yields each synthesizer with a dictionary from its input names to those of the group."""
    for processor, names in zip(group.processors, group.connections, strict=True):
        if _level_input(processor) is not None:
            optional = {name: name for name in processor.optional_input_names if name in inputs}
            yield processor, {**dict(zip(processor.input_names, names, strict=True)), **optional}
