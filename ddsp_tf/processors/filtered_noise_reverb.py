"""Reverb of noise with a decaying spectrum."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.dsp.impulse_responses import filtered_noise_response
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb
from ddsp_tf.typing import Tensor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class FilteredNoiseReverb(ConvolutionReverb):
    """A room modelled by noise whose filter changes from frame to frame.

    The `FilteredNoiseReverb` of the DDSP library of Engel et al., "DDSP" (ICLR 2020). It has far
    fewer parameters than taps: one per band and frame. The noise stays the same, so that streams
    have no seams.

    Args:
        length: Taps of the response, at least 2.
        n_frames: Number of filters along the response; divides the length.
        n_bands: Magnitudes of a filter, at least 2, from 0 Hz to Nyquist.
        learned: Whether the magnitudes are a weight; False if the caller passes them.
        add_dry: Whether the signal itself passes unchanged; False returns only the room.
        initial_bias: Number added to raw magnitudes before scaling; -3 starts with a faint room.
        scale: Whether raw magnitudes, including the weight, are mapped to gains by `exp_sigmoid`;
            False if they are gains already.
        seed: Seed of the noise.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Dry audio [batch, samples].
        magnitudes: Raw magnitudes [batch, n_frames, n_bands] or [n_frames, n_bands]. Required if
            not learned.
        noise: Optional [length] or [batch, length] in [-1, 1] instead of the seed's.

    Returns:
        Wet audio [batch, samples].

    Raises:
        ValueError: If a number is out of range, or an input is missing or has another shape.

    Example:
        >>> reverb = FilteredNoiseReverb(length=4000, n_frames=100)
        >>> reverb(ops.ones((1, 8000))).shape
        TensorShape([1, 8000])
    """

    response_inputs = ("magnitudes",)

    def __init__(
        self,
        length: int = 48000,
        n_frames: int = 1000,
        n_bands: int = 16,
        learned: bool = True,
        add_dry: bool = True,
        initial_bias: float = -3.0,
        scale: bool = True,
        seed: int = 0,
        name: str = "filtered_noise_reverb",
        **kwargs: Any,
    ):
        super().__init__(length=length, learned=learned, add_dry=add_dry, name=name, **kwargs)
        if n_frames < 1 or length % n_frames:
            raise ValueError(
                f"n_frames={n_frames} does not divide length={length}; "
                "taps per frame must be a whole number"
            )
        if n_bands < 2:
            raise ValueError(f"n_bands={n_bands}; expected at least 2")
        self.n_frames = n_frames
        self.n_bands = n_bands
        self.initial_bias = initial_bias
        self.scale = scale
        self.seed = seed

    def make_weights(self) -> None:
        """Creates the learned magnitudes."""
        if self.learned:
            self.magnitudes = self.add_weight(
                name="magnitudes",
                shape=(self.n_frames, self.n_bands),
                initializer=keras.initializers.RandomNormal(stddev=1e-2, seed=0),
            )

    def get_controls(
        self, signal: Tensor, magnitudes: Tensor | None = None, noise: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Computes the impulse response.

        Args:
            signal: Audio [batch, samples].
            magnitudes: Raw magnitudes [batch, n_frames, n_bands] or [n_frames, n_bands]; None for
                the learned ones.
            noise: Noise [length] or [batch, length]; None for the seed's.

        Returns:
            "signal", and "impulse_response", [length] or [batch, length].
        """
        magnitudes = self._given_or_learned(magnitudes=magnitudes)["magnitudes"]
        if tuple(magnitudes.shape[-2:]) != (self.n_frames, self.n_bands):
            raise ValueError(
                f"{self.name}: magnitudes have shape {tuple(magnitudes.shape)}; expected "
                f"n_frames={self.n_frames} of n_bands={self.n_bands} in the last two axes"
            )
        if self.scale:
            magnitudes = exp_sigmoid(magnitudes + self.initial_bias)
        noise = self._given_or_seeded(noise)
        response = filtered_noise_response(
            ops.reshape(magnitudes, (-1, self.n_frames, self.n_bands)),
            ops.reshape(noise, (-1, self.length)),
        )
        one_for_all = len(magnitudes.shape) == 2 and len(noise.shape) == 1
        return self._controls(signal, response[0] if one_for_all else response)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "n_frames": self.n_frames,
            "n_bands": self.n_bands,
            "initial_bias": self.initial_bias,
            "scale": self.scale,
            "seed": self.seed,
        }
