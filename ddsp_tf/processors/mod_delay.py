"""Delay whose length is modulated: chorus, flanger, vibrato."""

import math
from typing import Any, Self

import keras
from keras import ops

from ddsp_tf.dsp.delay import INTERPOLATIONS, variable_delay
from ddsp_tf.dsp.framing import crossfade_weights, next_frames
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class ModDelay(Processor):
    """A signal and a copy of it, delayed by a time that changes from sample to sample.

    `signal[n] + gain * signal[n - delay]`, `delay = centre_ms + depth_ms * (2 * phase - 1)`. Gain
    and phase are given per frame and glide linearly between frames. It follows the `ModDelay` of
    the DDSP library of Engel et al., "DDSP" (ICLR 2020), which documents the same delay but
    computes `centre_ms + depth_ms * phase`. `ModDelay.chorus()`, `.flanger()` and `.vibrato()` have
    common settings (after Zoelzer, "DAFX", 2nd ed., section 2.6); the caller moves the phase, for
    example by `0.5 + 0.5 * sin(2 * pi * rate_hz * frame / frame_rate)`.

    Args:
        centre_ms: Delay at phase 0.5, in milliseconds.
        depth_ms: Largest deviation from it, 0..centre_ms.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        add_dry: Whether the signal itself passes; False returns only the delayed copy.
        interpolation: Interpolation between samples, "cubic" or "linear" (the original's); see
            `ddsp_tf.dsp.delay.variable_delay`.
        scale: Whether `get_controls` maps raw network outputs to gains by `exp_sigmoid` and to
            phases by a sigmoid; False if they are gains and phases already.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        signal: Audio [batch, frames * hop].
        gain: Raw level of the copy [batch, frames, 1].
        phase: Raw phase [batch, frames, 1]; as a control, 0 to 1 for the shortest to the longest
            delay.

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, a number is out of range, an
            input has more than one channel, or signal and frames differ in length.

    Example:
        >>> echo = ModDelay(centre_ms=2.0, depth_ms=0.0, sample_rate=1000, frame_rate=250,
        ...                 scale=False)
        >>> click = ops.convert_to_tensor([[1.0, 0.0, 0.0, 0.0]])
        >>> echo(click, ops.full((1, 1, 1), 0.5), ops.zeros((1, 1, 1), "float32")).numpy().tolist()
        [[1.0, 0.0, 0.5, 0.0]]
    """

    input_names = ("signal", "gain", "phase")

    def __init__(
        self,
        centre_ms: float = 15.0,
        depth_ms: float = 10.0,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        add_dry: bool = True,
        interpolation: str = "cubic",
        scale: bool = True,
        name: str = "mod_delay",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not 0.0 <= depth_ms <= centre_ms:
            raise ValueError(
                f"depth_ms={depth_ms}; expected 0..centre_ms={centre_ms}, as no delay is negative"
            )
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation={interpolation!r}; expected one of {INTERPOLATIONS}")
        self.centre_ms = centre_ms
        self.depth_ms = depth_ms
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.add_dry = add_dry
        self.interpolation = interpolation
        self.scale = scale
        # The longest delay, and two samples for the interpolation.
        self.past = math.ceil((centre_ms + depth_ms) * sample_rate / 1000.0) + 2

    @classmethod
    def chorus(cls, **kwargs: Any) -> Self:
        """Chorus, like several players at once: 20 +- 5 ms; move the phase at 0.1 to 2 Hz."""
        settings: dict[str, Any] = {"centre_ms": 20.0, "depth_ms": 5.0, "name": "chorus"}
        return cls(**settings | kwargs)

    @classmethod
    def flanger(cls, **kwargs: Any) -> Self:
        """Flanger, a sweeping comb filter: 2.5 +- 2 ms; move the phase at 0.1 to 1 Hz."""
        settings: dict[str, Any] = {"centre_ms": 2.5, "depth_ms": 2.0, "name": "flanger"}
        return cls(**settings | kwargs)

    @classmethod
    def vibrato(cls, **kwargs: Any) -> Self:
        """Vibrato: 2 +- 1 ms without the dry signal; at 5 Hz about 54 cents each way."""
        settings: dict[str, Any] = {"centre_ms": 2.0, "depth_ms": 1.0}
        settings |= {"add_dry": False, "name": "vibrato"}
        return cls(**settings | kwargs)

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: one gain and one phase."""
        return {"gain": 1, "phase": 1}

    @property
    def latency(self) -> int:
        """Samples of one hop, because the samples of a frame depend on the next frame."""
        return self.hop

    def get_controls(self, signal: Tensor, gain: Tensor, phase: Tensor) -> dict[str, Tensor]:
        """Scales raw outputs.

        Args:
            signal: Audio [batch, frames * hop], passed through.
            gain: Raw level of the copy [batch, frames, 1].
            phase: Raw phase [batch, frames, 1].

        Returns:
            "signal"; "gain", linear; "phase", 0..1.
        """
        if self.scale:
            gain, phase = exp_sigmoid(gain), ops.sigmoid(phase)
        return {"signal": signal, "gain": gain, "phase": phase}

    def get_signal(self, signal: Tensor, gain: Tensor, phase: Tensor) -> Tensor:
        """Adds the delayed copy.

        Args:
            signal: Audio [batch, frames * hop].
            gain: Linear level of the copy [batch, frames, 1].
            phase: Phase of the modulation, 0..1 [batch, frames, 1].

        Returns:
            Audio [batch, frames * hop]; the last frame is held to its end.
        """
        line = ops.pad(signal, [[0, 0], [self.past, 0]])
        return self._render(line, gain, next_frames(gain), phase, next_frames(phase))

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: a silent delay line."""
        return {
            "line": ops.zeros((batch_size, self.past + self.hop), "float32"),
            "gain": ops.zeros((batch_size, 1, 1), "float32"),
            "phase": ops.zeros((batch_size, 1, 1), "float32"),
            "started": ops.zeros((batch_size, 1, 1), "float32"),
        }

    def stream(
        self, state: State, signal: Tensor, gain: Tensor, phase: Tensor
    ) -> tuple[Tensor, State]:
        """Renders the samples from the last frame of the previous block to that of this one."""
        line = ops.concatenate([state["line"], signal], axis=1)
        earlier_gain = ops.concatenate([state["gain"], gain[:, :-1]], axis=1)
        earlier_phase = ops.concatenate([state["phase"], phase[:, :-1]], axis=1)
        # Interpolation reads one sample ahead, but there is no sound before the first frame.
        later_gain = ops.concatenate([gain[:, :1] * state["started"], gain[:, 1:]], axis=1)
        audio = self._render(line, earlier_gain, later_gain, earlier_phase, phase)
        return audio, {
            "line": line[:, ops.shape(audio)[1] :],
            "gain": gain[:, -1:],
            "phase": phase[:, -1:],
            "started": ops.maximum(state["started"], 1.0),
        }

    def _render(self, line, gain, next_gain, phase, next_phase):
        weights = ops.convert_to_tensor(crossfade_weights(self.hop, "linear"))

        def to_samples(here, there):
            glide = here + (there - here) * weights
            return ops.reshape(glide, (-1, ops.shape(glide)[1] * self.hop))

        gain, phase = to_samples(gain, next_gain), to_samples(phase, next_phase)
        delay_ms = self.centre_ms + self.depth_ms * (2.0 * phase - 1.0)
        delay = delay_ms * (self.sample_rate / 1000.0)
        audio = gain * variable_delay(line, delay, self.past, self.interpolation)
        if self.add_dry:
            audio = audio + line[:, self.past : self.past + ops.shape(audio)[1]]
        return audio

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "centre_ms": self.centre_ms,
            "depth_ms": self.depth_ms,
            "sample_rate": self.sample_rate,
            "frame_rate": self.frame_rate,
            "add_dry": self.add_dry,
            "interpolation": self.interpolation,
            "scale": self.scale,
        }
