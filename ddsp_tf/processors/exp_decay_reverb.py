"""Reverb with two parameters, gain and decay."""

from typing import Any

import keras

from ddsp_tf.dsp.impulse_responses import decay_exponent, decaying_noise
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb
from ddsp_tf.typing import Tensor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class ExpDecayReverb(ConvolutionReverb):
    """A room modelled by exponentially decaying noise.

    The response is `gain * exp(-decay * n / (length - 1)) * noise[n]`, except for tap 0, which is
    the direct sound. In the `ExpDecayReverb` of the DDSP library of Engel et al., "DDSP" (ICLR
    2020), the noise is new in every call; here it stays the same, so that streams have no seams.
    The reverberation time (60 dB) is the response's duration times `6.91 / decay`.

    Args:
        length: Taps of the response, at least 2.
        learned: Whether gain and decay are weights, the same for the whole batch; False if the
            caller passes them for every batch item.
        add_dry: Whether the signal itself passes unchanged; False returns only the room.
        scale: Whether raw gains are mapped by `exp_sigmoid` and raw decays by `2 + exp(decay)`;
            False if they are linear gains and nepers over the response already. Raw weights
            start at 2 and 4, as in the original.
        seed: Seed of the noise.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Dry audio [batch, samples].
        gain: Raw gain [batch, 1]; required if not learned.
        decay: Raw decay [batch, 1]; required if not learned.
        noise: Optional [length] or [batch, length] in [-1, 1] instead of the seed's.

    Returns:
        Wet audio [batch, samples].

    Raises:
        ValueError: If the length is below 2, gain or decay is missing, or the noise has another
            length.

    Example:
        >>> reverb = ExpDecayReverb(length=4000)
        >>> reverb(keras.ops.ones((1, 8000))).shape
        TensorShape([1, 8000])
    """

    response_inputs = ("gain", "decay")

    def __init__(
        self,
        length: int = 48000,
        learned: bool = True,
        add_dry: bool = True,
        scale: bool = True,
        seed: int = 0,
        name: str = "exp_decay_reverb",
        **kwargs: Any,
    ):
        super().__init__(length=length, learned=learned, add_dry=add_dry, name=name, **kwargs)
        self.scale = scale
        self.seed = seed

    def make_weights(self) -> None:
        """Creates gain and decay."""
        if self.learned:
            start = {"gain": 2.0, "decay": 4.0}
            if not self.scale:
                start = {"gain": float(exp_sigmoid(2.0)), "decay": float(decay_exponent(4.0))}
            for weight, value in start.items():
                constant = keras.initializers.Constant(value)
                setattr(self, weight, self.add_weight((1,), constant, name=weight))

    def get_controls(
        self,
        signal: Tensor,
        gain: Tensor | None = None,
        decay: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Computes the impulse response.

        Args:
            signal: Audio [batch, samples].
            gain: Raw gain [batch, 1]; None for the learned one.
            decay: Raw decay [batch, 1]; None for the learned one.
            noise: Noise [length] or [batch, length]; None for the seed's.

        Returns:
            "signal", and "impulse_response", [length] or [batch, length].
        """
        found = self._given_or_learned(gain=gain, decay=decay)
        for name, value in found.items():
            if value.shape[-1] != 1:
                raise ValueError(
                    f"{self.name}: {name} has shape {value.shape}; expected [batch, 1]"
                )
        gain, decay = found["gain"], found["decay"]
        if self.scale:
            gain, decay = exp_sigmoid(gain), decay_exponent(decay)
        response = decaying_noise(gain, decay, self._given_or_seeded(noise))
        return self._controls(signal, response)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scale": self.scale, "seed": self.seed}
