"""Convolution with an impulse response, learned or given."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ddsp_tf.processors.convolution_reverb import ConvolutionReverb
from ddsp_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Reverb(ConvolutionReverb):
    """Reverberates a signal with a trainable impulse response, or one given with every call.

    The signal itself passes unchanged; the response contains only the sound after it (its first tap
    is ignored), as in Engel et al., "DDSP" (ICLR 2020). `get_signal` convolves with the given
    response unchanged, direct sound included.

    Args:
        length: Taps of the response, in samples, at least 2; 16000 is one second at 16 kHz.
        learned: Whether the response is a weight; False if the caller passes it with every call.
        add_dry: Whether the signal itself passes unchanged; False returns only the room.
        tap_scale: Factor from the weight to the learned response. Adam moves every weight by up to
            the learning rate in a step, but the taps of a room are far smaller than the weights of
            a network. With 1, as in the original, a high learning rate turns the room into an
            equalizer that replaces the synthesizers' work.
        instruments: Names of the instruments, each with its own room; empty for one instrument.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Dry audio [batch, samples].
        impulse_response: Impulse response [batch, taps] or [taps], at most `length` taps. Required
            if not learned; otherwise it replaces the learned one if given.
        instrument: Weights of the instruments' rooms [batch, frames or 1, instruments], by default
            equal; only with `instruments`. The weights of the first frame apply to the whole
            signal, or to the block of a stream.

    Returns:
        Wet audio [batch, samples].

    Raises:
        ValueError: If the length is below 2, the scale is not above 0, or the response is missing
            or too long.

    Example:
        >>> Reverb(length=1000)(ops.ones((1, 4000))).shape
        TensorShape([1, 4000])
        >>> echo = ops.convert_to_tensor([0.0, 0.0, 0.5])
        >>> Reverb(length=3, learned=False)(ops.ones((1, 4)), echo).numpy().round(3).tolist()
        [[1.0, 1.0, 1.5, 1.5]]
    """

    response_inputs = ("impulse_response",)

    def __init__(
        self,
        length: int = 48000,
        learned: bool = True,
        add_dry: bool = True,
        tap_scale: float = 1.0,
        instruments: Sequence[str] = (),
        name: str = "reverb",
        **kwargs: Any,
    ):
        super().__init__(length=length, learned=learned, add_dry=add_dry, name=name, **kwargs)
        if tap_scale <= 0.0:
            raise ValueError(f"tap_scale={tap_scale}; expected above 0")
        self.tap_scale = tap_scale
        self.instruments = tuple(instruments) if learned else ()
        self.optional_input_names = ("instrument",) if self.instruments else ()

    def make_weights(self) -> None:
        """Creates the learned response."""
        if self.learned:
            rows = (len(self.instruments),) if self.instruments else ()
            self.impulse_response = self.add_weight(
                name="impulse_response",
                shape=(*rows, self.length),
                initializer=keras.initializers.RandomNormal(stddev=1e-6, seed=0),
            )

    def get_controls(
        self,
        signal: Tensor,
        impulse_response: Tensor | None = None,
        instrument: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Returns the signal and the response: direct sound followed by the room's taps.

        Args:
            signal: Audio [batch, samples].
            impulse_response: Impulse response [batch, taps] or [taps]; None for the learned one.
            instrument: Weights of the rooms [batch, frames or 1, instruments]; None for equal ones.

        Returns:
            "signal", and "impulse_response", [length] or [batch, length].
        """
        taps = self._given_or_learned(impulse_response=impulse_response)["impulse_response"]
        if impulse_response is None:
            taps = self.tap_scale * taps
            if instrument is not None:
                taps = ops.matmul(instrument[:, 0], taps)
            elif self.instruments:
                taps = ops.mean(taps, axis=0)
        missing = self.length - taps.shape[-1]
        if missing < 0:
            raise ValueError(
                f"{self.name}: impulse_response has {taps.shape[-1]} taps; "
                f"expected at most length={self.length}"
            )
        if missing > 0:
            taps = ops.pad(taps, [[0, 0]] * (len(taps.shape) - 1) + [[0, missing]])
        return self._controls(signal, taps)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        own = {"tap_scale": self.tap_scale, "instruments": self.instruments}
        return {**super().get_config(), **own}
