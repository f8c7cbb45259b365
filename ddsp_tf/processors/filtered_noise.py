"""Synthesizer of noise whose spectrum changes from frame to frame."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.dsp.noise_filter import filter_block, filter_frames, response_radius
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class FilteredNoise(Processor):
    """Filters white noise by magnitudes that change from frame to frame.

    The subtractive synthesizer of Engel et al., "DDSP" (ICLR 2020), with no delay.

    Args:
        n_bands: Number of magnitudes, at least 2, at equally spaced frequencies from 0 Hz to
            Nyquist.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        initial_bias: Number added to raw magnitudes before scaling; -5 starts training with faint
            noise.
        scale: Whether `get_controls` maps raw network outputs to gains by `exp_sigmoid`; False
            if the inputs are gains already.
        seed: Seed of the noise drawn when the caller gives none; None for a random one.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        noise_magnitudes: Raw magnitudes [batch, frames, n_bands].
        noise: Optional white noise to filter, [batch, frames * hop] in [-1, 1].

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, n_bands is below 2, or the
            magnitudes do not have n_bands channels.

    Example:
        >>> noise = FilteredNoise(n_bands=65, sample_rate=16000, frame_rate=250, seed=0)
        >>> noise(ops.ones((1, 250, 65))).shape
        TensorShape([1, 16000])
    """

    input_names = ("noise_magnitudes",)
    optional_input_names = ("noise",)
    signal_names = ("noise",)

    def __init__(
        self,
        n_bands: int = 65,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        initial_bias: float = -5.0,
        scale: bool = True,
        seed: int | None = None,
        name: str = "filtered_noise",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if n_bands < 2:
            raise ValueError(f"n_bands={n_bands}; expected at least 2")
        self.n_bands = n_bands
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.initial_bias = initial_bias
        self.scale = scale
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: one magnitude per band."""
        return {"noise_magnitudes": self.n_bands}

    @property
    def latency(self) -> int:
        """Samples by which the zero-phase filter looks ahead."""
        return response_radius(self.n_bands)

    def get_controls(
        self, noise_magnitudes: Tensor, noise: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Scales raw outputs to filter gains.

        Args:
            noise_magnitudes: Raw magnitudes [batch, frames, n_bands].
            noise: Optional noise [batch, frames * hop], passed through.

        Returns:
            "noise_magnitudes": gains, [batch, frames, n_bands]; "noise" if it was given.
        """
        if self.scale:
            noise_magnitudes = exp_sigmoid(noise_magnitudes + self.initial_bias)
        controls = {"noise_magnitudes": noise_magnitudes}
        return controls if noise is None else {**controls, "noise": noise}

    def get_signal(self, noise_magnitudes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Filters noise with gains.

        Args:
            noise_magnitudes: Gains [batch, frames, n_bands].
            noise: Noise [batch, frames * hop] in [-1, 1]; drawn from the seed if None.

        Returns:
            Audio [batch, frames * hop].
        """
        noise = self._noise(noise_magnitudes) if noise is None else noise
        result = filter_frames(noise, noise_magnitudes, self.hop)
        length = ops.shape(noise_magnitudes)[1] * self.hop
        return result[:, self.latency : self.latency + length]

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence."""
        return {
            "tail": ops.zeros((batch_size, 2 * self.latency), "float32"),
            "gate": ops.zeros((batch_size, self.latency), "float32"),
        }

    def stream(
        self, state: State, noise_magnitudes: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Filters one block of noise."""
        noise = self._noise(noise_magnitudes) if noise is None else noise
        return filter_block(noise, noise_magnitudes, self.hop, state)

    def _noise(self, noise_magnitudes):
        batch, frames = ops.shape(noise_magnitudes)[0], ops.shape(noise_magnitudes)[1]
        shape = (batch, frames * self.hop)
        return keras.random.uniform(shape, -1.0, 1.0, "float32", self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "n_bands": self.n_bands,
            "sample_rate": self.sample_rate,
            "frame_rate": self.frame_rate,
            "initial_bias": self.initial_bias,
            "scale": self.scale,
            "seed": self.seed,
        }
