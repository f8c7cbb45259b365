"""Additive synthesizer of sines with independent frequencies."""

from typing import Any

import keras
from keras import ops

from ddsp_tf.dsp.framing import crossfade_weights, next_frames, previous_frames
from ddsp_tf.dsp.frequency_scales import frequencies_sigmoid, frequencies_softmax
from ddsp_tf.dsp.oscillators import split_hz
from ddsp_tf.dsp.partials import partial_phase, partial_sum
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor
from ddsp_tf.units import exp_sigmoid

_SCALES = {"sigmoid": frequencies_sigmoid, "softmax": frequencies_softmax}


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Sinusoidal(Processor):
    """A bank of sines, each with its own amplitude and frequency.

    The synthesizer of Engel et al., "Self-supervised pitch detection by inverse audio synthesis"
    (ICML 2020 workshop). Sines at or above the Nyquist frequency are silent.

    Args:
        n_sinusoids: Number of sines, at least 1.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        interpolation: Interpolation of amplitudes from frame to frame, "hann" or "linear".
            Frequencies glide linearly.
        frequency_scale: Scale by which `get_controls` maps raw network outputs to Hz: "sigmoid" or
            "softmax" (`dsp.frequency_scales`).
        depth: Raw outputs per frequency: at least 1 for "sigmoid", at least 2 for "softmax".
        min_hz: Lowest frequency of the scale.
        max_hz: Highest frequency of the scale; None for half the sample rate.
        scale: Whether `get_controls` maps raw network outputs; False if the inputs are amplitudes
            and Hz already, for which the depth is not used.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        amplitudes: Raw amplitudes [batch, frames, n_sinusoids].
        frequencies: Raw frequencies [batch, frames, n_sinusoids * depth]; the depth varies fastest.

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, a number is out of range, a
            name is unknown, or an input has an unexpected number of channels.

    Example:
        >>> sinusoidal = Sinusoidal(n_sinusoids=10, sample_rate=16000, frame_rate=250)
        >>> sinusoidal(ops.ones((1, 250, 10)), ops.ones((1, 250, 10))).shape
        TensorShape([1, 16000])
    """

    input_names = ("amplitudes", "frequencies")

    def __init__(
        self,
        n_sinusoids: int = 100,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        interpolation: str = "hann",
        frequency_scale: str = "sigmoid",
        depth: int = 1,
        min_hz: float = 20.0,
        max_hz: float | None = None,
        scale: bool = True,
        name: str = "sinusoidal",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if n_sinusoids < 1:
            raise ValueError(f"n_sinusoids={n_sinusoids}; expected at least 1")
        if frequency_scale not in _SCALES:
            raise ValueError(
                f"frequency_scale={frequency_scale!r}; expected one of {tuple(_SCALES)}"
            )
        least = 2 if frequency_scale == "softmax" else 1
        if depth < least:
            raise ValueError(f"depth={depth}; expected at least {least} for {frequency_scale!r}")
        self.hop = hop_size(sample_rate, frame_rate)
        if not 0.0 <= min_hz < (max_hz or sample_rate / 2.0) <= sample_rate / 2.0:
            raise ValueError(
                f"min_hz={min_hz}, max_hz={max_hz}; expected a range within 0 .. "
                f"{sample_rate / 2.0:g} Hz"
            )
        self.n_sinusoids = n_sinusoids
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.interpolation = interpolation
        self.weights_of_next_frame = crossfade_weights(self.hop, interpolation)
        self.frequency_scale = frequency_scale
        self.depth = depth
        self.min_hz = min_hz
        self.max_hz = max_hz
        self.scale = scale

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: an amplitude, and `depth` numbers for the frequency, of every sine."""
        depth = self.depth if self.scale else 1
        return {"amplitudes": self.n_sinusoids, "frequencies": self.n_sinusoids * depth}

    @property
    def latency(self) -> int:
        """Samples of one hop, because the samples of a frame depend on the next frame."""
        return self.hop

    def get_controls(self, amplitudes: Tensor, frequencies: Tensor) -> dict[str, Tensor]:
        """Scales raw outputs; silences sines at or above the Nyquist frequency.

        Args:
            amplitudes: Raw amplitudes [batch, frames, n_sinusoids].
            frequencies: Raw frequencies [batch, frames, n_sinusoids * depth].

        Returns:
            "amplitudes", linear, and "frequencies" in Hz, [batch, frames, n_sinusoids] each.
        """
        if self.scale:
            amplitudes = exp_sigmoid(amplitudes)
            scale, top = _SCALES[self.frequency_scale], self.max_hz or self.sample_rate / 2.0
            frequencies = scale(frequencies, self.depth, self.min_hz, top)
        return {
            "amplitudes": self._audible(amplitudes, frequencies),
            "frequencies": frequencies,
        }

    def get_signal(self, amplitudes: Tensor, frequencies: Tensor) -> Tensor:
        """Synthesizes audio from physical controls.

        Args:
            amplitudes: Linear amplitudes [batch, frames, n_sinusoids].
            frequencies: Frequencies in Hz [batch, frames, n_sinusoids].

        Returns:
            Audio [batch, frames * hop]; the last frame is held to its end.
        """
        here = {"amplitudes": self._audible(amplitudes, frequencies), "frequencies": frequencies}
        return self._render(here, {name: next_frames(value) for name, value in here.items()})[0]

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence at phase 0."""
        return {
            "amplitudes": ops.zeros((batch_size, 1, self.n_sinusoids), "float32"),
            "frequencies": ops.zeros((batch_size, 1, self.n_sinusoids), "float32"),
            "phase": ops.zeros((batch_size, 2, self.n_sinusoids), "float32"),
            "started": ops.zeros((batch_size, 1, 1), "float32"),
        }

    def stream(self, state: State, amplitudes: Tensor, frequencies: Tensor) -> tuple[Tensor, State]:
        """Synthesizes the samples from the last frame of the previous block to that of this one."""
        there = {"amplitudes": self._audible(amplitudes, frequencies), "frequencies": frequencies}
        here = {name: previous_frames(state[name], value) for name, value in there.items()}
        after = {name: value[:, -1:] for name, value in there.items()}
        # The phase must not advance before the first frame.
        first = frequencies[:, :1] * state["started"]
        there["frequencies"] = ops.concatenate([first, frequencies[:, 1:]], axis=1)
        signal, phase = self._render(here, there, state["phase"])
        return signal, {**after, "phase": phase, "started": ops.maximum(state["started"], 1.0)}

    def _audible(self, amplitudes, frequencies):
        below_nyquist = frequencies < self.sample_rate / 2.0
        # A sine of 0 Hz is a constant, not silence.
        return ops.where(ops.logical_and(frequencies > 0.0, below_nyquist), amplitudes, 0.0)

    def _render(self, here, there, initial_phase=None):
        f, next_f = here["frequencies"], there["frequencies"]
        rates = (self.hop, self.sample_rate)
        phase, final = partial_phase(split_hz(f), split_hz(next_f), *rates, initial_phase)
        signal = partial_sum(
            phase,
            f,
            next_f,
            here["amplitudes"],
            there["amplitudes"],
            self.weights_of_next_frame,
            self.sample_rate,
            execution=self.execution,
        )
        return signal, final

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ["n_sinusoids", "sample_rate", "frame_rate", "interpolation"]
        names += ["frequency_scale", "depth", "min_hz", "max_hz", "scale"]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
