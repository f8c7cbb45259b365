"""Filter whose response changes from frame to frame."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.dsp.noise_filter import filter_block, filter_frames, response_radius
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class FirFilter(Processor):
    """Filters any signal by magnitudes that change from frame to frame.

    The `FIRFilter` of the DDSP library of Engel et al., "DDSP" (ICLR 2020), without its delay: the
    filter is symmetric around every sample. Frame k filters the hop that begins at sample k * hop;
    the results overlap.

    Args:
        n_bands: Number of magnitudes, at least 2, at equally spaced frequencies from 0 Hz to
            Nyquist. The filter reaches n_bands - 1 samples to either side.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        scale: Whether `get_controls` maps raw network outputs to gains by `exp_sigmoid`; False
            if the inputs are gains already.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Audio [batch, frames * hop].
        magnitudes: Raw magnitudes [batch, frames, n_bands].

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, n_bands is below 2, the
            magnitudes do not have n_bands channels, or signal and frames differ in length.

    Example:
        >>> low_pass = FirFilter(n_bands=5, scale=False)
        >>> gains = ops.tile([[[1.0, 1.0, 0.0, 0.0, 0.0]]], (1, 10, 1))
        >>> low_pass(ops.ones((1, 640)), gains).shape
        TensorShape([1, 640])
    """

    input_names = ("signal", "magnitudes")

    def __init__(
        self,
        n_bands: int = 65,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        scale: bool = True,
        name: str = "fir_filter",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if n_bands < 2:
            raise ValueError(f"n_bands={n_bands}; expected at least 2")
        self.n_bands = n_bands
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.scale = scale

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: one magnitude per band."""
        return {"magnitudes": self.n_bands}

    @property
    def latency(self) -> int:
        """Samples by which the zero-phase filter looks ahead."""
        return response_radius(self.n_bands)

    def get_controls(self, signal: Tensor, magnitudes: Tensor) -> dict[str, Tensor]:
        """Scales raw outputs to filter gains.

        Args:
            signal: Audio [batch, frames * hop], passed through.
            magnitudes: Raw magnitudes [batch, frames, n_bands].

        Returns:
            "signal", and "magnitudes": gains, [batch, frames, n_bands].
        """
        if self.scale:
            magnitudes = exp_sigmoid(magnitudes)
        return {"signal": signal, "magnitudes": magnitudes}

    def get_signal(self, signal: Tensor, magnitudes: Tensor) -> Tensor:
        """Filters a signal with gains.

        Args:
            signal: Audio [batch, frames * hop].
            magnitudes: Gains [batch, frames, n_bands].

        Returns:
            Audio [batch, frames * hop].
        """
        result = filter_frames(signal, magnitudes, self.hop)
        length = ops.shape(magnitudes)[1] * self.hop
        return result[:, self.latency : self.latency + length]

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence."""
        return {
            "tail": ops.zeros((batch_size, 2 * self.latency), "float32"),
            "gate": ops.zeros((batch_size, self.latency), "float32"),
        }

    def stream(self, state: State, signal: Tensor, magnitudes: Tensor) -> tuple[Tensor, State]:
        """Filters one block."""
        return filter_block(signal, magnitudes, self.hop, state)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "n_bands": self.n_bands,
            "sample_rate": self.sample_rate,
            "frame_rate": self.frame_rate,
            "scale": self.scale,
        }
