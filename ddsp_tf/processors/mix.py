"""A mixer whose levels change from frame to frame."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ddsp_tf.dsp.framing import crossfade_weights, next_frames, previous_frames
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor

LAWS = ("constant_power", "linear")


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Mix(Processor):
    """Weighted sum of signals of equal length.

    Args:
        n_signals: Number of signals, at least 2.
        sample_rate: Samples per second.
        frame_rate: Frames per second of the levels; divides the sample rate.
        law: Law of the gains. "constant_power": a signal's gain is the square root of its level, so
            that unrelated signals keep their loudness whatever the mix; or "linear": its level, so
            that equal signals do.
        interpolation: Interpolation of gains from frame to frame, "hann" or "linear".
        scale: Whether `get_controls` maps raw network outputs to levels; False if the inputs are
            levels already.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        *signals: Audio of `n_signals` signals, [batch, frames * hop] each.
        mix_levels: Raw levels [batch, frames, n_signals - 1]: a softmax over them and a last 0
            gives the levels, which add up to 1; for two signals, the sigmoid is the first one's.
            Or, without `scale`, [batch, frames, n_signals] levels, not negative.

    Returns:
        [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, a number is out of range, a
            name is unknown, or an input has an unexpected size.

    Example:
        >>> mix = Mix(sample_rate=400, frame_rate=100, law="linear")
        >>> mix(ops.ones((1, 8)), 3.0 * ops.ones((1, 8)), ops.zeros((1, 2, 1))).numpy().tolist()
        [[2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]]
    """

    def __init__(
        self,
        n_signals: int = 2,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        law: str = "constant_power",
        interpolation: str = "linear",
        scale: bool = True,
        name: str = "mix",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if n_signals < 2:
            raise ValueError(f"n_signals={n_signals}; expected at least 2")
        if law not in LAWS:
            raise ValueError(f"law={law!r}; expected one of {LAWS}")
        self.n_signals = n_signals
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.law = law
        self.interpolation = interpolation
        self.weights_of_next_frame = crossfade_weights(self.hop, interpolation)
        self.scale = scale

    @property
    def signal_names(self) -> tuple[str, ...]:
        """Names of the signals: "signal_1" and so on."""
        return tuple(f"signal_{k + 1}" for k in range(self.n_signals))

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the signals and of their levels."""
        return (*self.signal_names, "mix_levels")

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: one level per signal; one less if they are scaled to add up to 1."""
        return {"mix_levels": self.n_signals - 1 if self.scale else self.n_signals}

    @property
    def latency(self) -> int:
        """Samples of one hop, because the samples of a frame depend on the next frame."""
        return self.hop

    def get_controls(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Scales raw levels.

        Args:
            *inputs: The signals, then the levels, as for `call`.

        Returns:
            "signals", the tuple of signals; "mix_levels", [batch, frames, n_signals].
        """
        *signals, mix_levels = inputs
        if self.scale:
            raw = ops.concatenate([mix_levels, ops.zeros_like(mix_levels[:, :, :1])], axis=-1)
            mix_levels = ops.softmax(raw, axis=-1)
        return {"signals": tuple(signals), "mix_levels": mix_levels}

    def get_signal(self, signals: Sequence[Tensor], mix_levels: Tensor) -> Tensor:
        """Mixes signals.

        Args:
            signals: Sequence of `n_signals` [batch, frames * hop].
            mix_levels: Levels [batch, frames, n_signals], not negative.

        Returns:
            [batch, frames * hop]; the last frame's levels are held to its end.
        """
        gains = self._gains(mix_levels)
        return self._render(self._framed(signals), gains, next_frames(gains))

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence."""
        return {
            "signals": ops.zeros((batch_size, 1, self.hop, self.n_signals), "float32"),
            "gains": ops.zeros((batch_size, 1, self.n_signals), "float32"),
        }

    def stream(
        self, state: State, signals: Sequence[Tensor], mix_levels: Tensor
    ) -> tuple[Tensor, State]:
        """Mixes the samples from the last frame of the previous block to that of this one."""
        gains = self._gains(mix_levels)
        framed = self._framed(signals)
        earlier = [
            previous_frames(state["signals"][..., k], frames) for k, frames in enumerate(framed)
        ]
        mixed = self._render(earlier, previous_frames(state["gains"], gains), gains)
        last = ops.stack([frames[:, -1:] for frames in framed], axis=-1)
        return mixed, {"signals": last, "gains": gains[:, -1:]}

    def _gains(self, mix_levels):
        if self.law == "linear":
            return mix_levels
        # The slope of a square root at 0 is infinite: levels below -120 dB become silence.
        audible = mix_levels > 1e-12
        return ops.where(audible, ops.sqrt(ops.where(audible, mix_levels, 1.0)), 0.0)

    def _framed(self, signals):
        return [ops.reshape(signal, (ops.shape(signal)[0], -1, self.hop)) for signal in signals]

    def _render(self, signals, gains, next_gains):
        change = next_gains - gains
        mixed = [
            frames * (gains[:, :, k, None] + change[:, :, k, None] * self.weights_of_next_frame)
            for k, frames in enumerate(signals)
        ]
        mixed = functools.reduce(ops.add, mixed)
        return ops.reshape(mixed, (ops.shape(mixed)[0], -1))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("n_signals", "sample_rate", "frame_rate", "law", "interpolation", "scale")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
