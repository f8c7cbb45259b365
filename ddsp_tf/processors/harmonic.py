"""Additive synthesizer of harmonic sounds."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ddsp_tf.dsp.framing import crossfade_weights, next_frames, previous_frames
from ddsp_tf.dsp.frequency_response import gain_at
from ddsp_tf.dsp.oscillators import frame_phase, harmonic_sum, sample_phase
from ddsp_tf.dsp.partials import detuning_hz, partial_phase, partial_sum
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor
from ddsp_tf.units import exp_sigmoid

# Scales the learned response, so that its weights are about as large as other weights.
_RESPONSE_STEP_DB = 20.0


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Harmonic(Processor):
    """A bank of sines at the integer multiples of f0, or near them.

    The synthesizer of Engel et al., "DDSP" (ICLR 2020), with one amplitude and its distribution
    over the harmonics. Harmonics at or above the Nyquist frequency are silent. With
    `inharmonic=True` harmonic k sounds at f0 * k * (1 + shift of k), as the partials of stiff
    strings and bells do.

    Args:
        n_harmonics: Number of harmonics, at least 1; expected size of the distribution.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        interpolation: Interpolation of amplitudes from frame to frame, "hann" or "linear".
        scale: Whether `get_controls` maps raw network outputs to amplitudes by `exp_sigmoid`;
            False if the inputs are amplitudes (and shifts) already.
        inharmonic: Whether there is an input `harmonic_shifts`. Every harmonic then has its own
            phase; otherwise they share one phase and cost less.
        initial_decay_db: Spectral slope, in dB per octave, for equal raw network outputs, as they
            nearly are before training. Natural sounds fall by about 12. With 0, as in the original,
            half of an untrained tone's harmonics lie in the upper octave; if the recordings have
            nothing there (a dull instrument, or a low sample rate), the loss silences the whole
            tone before the decoder learns that only the upper half is wrong, and noise replaces the
            tone permanently.
        response_points: Points of a learned frequency response, evenly spaced from 0 Hz to Nyquist,
            at least 2, or 0 for none: the effect of an instrument's body, a microphone and a
            resampler on any harmonic at a given frequency, whatever the note. `get_controls`
            multiplies the distribution by it before normalizing. Without the response, a decoder
            has to learn the effect note by note.
        instruments: Names of the instruments, each with its own response; empty for one
            instrument.
        max_shift: Largest shift up or down that `get_controls` makes of raw network outputs,
            above 0, by `max_shift * tanh(raw)`.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        amplitudes: Raw amplitude of the tone [batch, frames, 1].
        harmonic_distribution: Raw distribution over the harmonics [batch, frames, n_harmonics].
        f0_hz: Fundamental frequency in Hz [batch, frames, 1]; 0 is silent.
        harmonic_shifts: Raw shifts [batch, frames, n_harmonics]; only if `inharmonic`.
        instrument: Weights of the instruments' responses [batch, frames or 1, instruments], by
            default equal; only with `instruments`.

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, a number is out of range, the
            distribution has another number of harmonics, or shifts are missing or unexpected.

    Example:
        >>> harmonic = Harmonic(n_harmonics=20, sample_rate=16000, frame_rate=250)
        >>> audio = harmonic(ops.ones((1, 250, 1)), ops.ones((1, 250, 20)),
        ...                  ops.full((1, 250, 1), 440.0))
        >>> audio.shape
        TensorShape([1, 16000])
    """

    def __init__(
        self,
        n_harmonics: int = 60,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        interpolation: str = "hann",
        scale: bool = True,
        inharmonic: bool = False,
        initial_decay_db: float = 0.0,
        response_points: int = 0,
        max_shift: float = 0.1,
        instruments: Sequence[str] = (),
        name: str = "harmonic",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if n_harmonics < 1:
            raise ValueError(f"n_harmonics={n_harmonics}; expected at least 1")
        if max_shift <= 0.0:
            raise ValueError(f"max_shift={max_shift}; expected above 0")
        if initial_decay_db < 0.0:
            raise ValueError(f"initial_decay_db={initial_decay_db}; expected 0 or more")
        self.n_harmonics = n_harmonics
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        if response_points < 0 or response_points == 1:
            raise ValueError(f"response_points={response_points}; expected 0, or 2 or more")
        self.hop = hop_size(sample_rate, frame_rate)
        self.interpolation = interpolation
        self.weights_of_next_frame = crossfade_weights(self.hop, interpolation)
        self.scale = scale
        self.initial_decay_db = initial_decay_db
        self.inharmonic = inharmonic
        self.max_shift = max_shift
        self.response_points = response_points
        self.instruments = tuple(instruments)
        self.optional_input_names = ("instrument",) if self.instruments else ()

    def make_weights(self) -> None:
        """Creates the learned response, flat at first."""
        if self.response_points:
            rows = (len(self.instruments),) if self.instruments else ()
            self.response = self.add_weight(
                name="response", shape=(*rows, self.response_points), initializer="zeros"
            )

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the call arguments."""
        names = ("amplitudes", "harmonic_distribution", "f0_hz")
        return (*names, "harmonic_shifts") if self.inharmonic else names

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: one amplitude, and one share (and shift) per harmonic."""
        sizes = {"amplitudes": 1, "harmonic_distribution": self.n_harmonics}
        return {**sizes, "harmonic_shifts": self.n_harmonics} if self.inharmonic else sizes

    @property
    def latency(self) -> int:
        """Samples of one hop, because the samples of a frame depend on the next frame."""
        return self.hop

    def get_controls(
        self,
        amplitudes: Tensor,
        harmonic_distribution: Tensor,
        f0_hz: Tensor,
        harmonic_shifts: Tensor | None = None,
        instrument: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Scales raw outputs; normalizes the distribution below the Nyquist frequency.

        Args:
            amplitudes: Raw amplitude of the tone [batch, frames, 1].
            harmonic_distribution: Raw distribution over the harmonics [batch, frames, n_harmonics].
            f0_hz: Fundamental frequency in Hz [batch, frames, 1].
            harmonic_shifts: Raw shifts [batch, frames, n_harmonics]; only if `inharmonic`.
            instrument: Weights of the instruments [batch, frames or 1, instruments]; None for equal
                ones.

        Returns:
            Controls of the same names: amplitude of the whole tone, share of each harmonic (they
            add up to 1, or to 0 where f0 is 0 or above Nyquist), f0 in Hz, and relative shifts if
            given.
        """
        self._check_shifts(harmonic_shifts)
        if self.scale:
            amplitudes = exp_sigmoid(amplitudes)
            harmonic_distribution = exp_sigmoid(harmonic_distribution + self._initial_bias())
            if self.inharmonic:
                harmonic_shifts = self.max_shift * ops.tanh(harmonic_shifts)
        if self.response_points:
            frequencies = self._frequencies(f0_hz, harmonic_shifts)
            response_db = _RESPONSE_STEP_DB * ops.convert_to_tensor(self.response)
            if self.instruments and instrument is None:
                instrument = ops.full((1, 1, len(self.instruments)), 1.0 / len(self.instruments))
            gains = gain_at(response_db, frequencies, self.sample_rate, self.execution, instrument)
            harmonic_distribution = harmonic_distribution * gains
        audible = self._audible(harmonic_distribution, f0_hz, harmonic_shifts)
        total = ops.sum(audible, axis=-1, keepdims=True)
        controls = {
            "amplitudes": amplitudes,
            "harmonic_distribution": audible / ops.maximum(total, 1e-7),
            "f0_hz": f0_hz,
        }
        return {**controls, "harmonic_shifts": harmonic_shifts} if self.inharmonic else controls

    def get_signal(
        self,
        amplitudes: Tensor,
        harmonic_distribution: Tensor,
        f0_hz: Tensor,
        harmonic_shifts: Tensor | None = None,
    ) -> Tensor:
        """Synthesizes audio from physical controls.

        Args:
            amplitudes: Linear amplitude of the tone [batch, frames, 1].
            harmonic_distribution: Share of each harmonic [batch, frames, n_harmonics].
            f0_hz: Fundamental frequency in Hz [batch, frames, 1].
            harmonic_shifts: Relative shifts [batch, frames, n_harmonics]; only if `inharmonic`.

        Returns:
            Audio [batch, frames * hop]; the last frame is held to its end.
        """
        self._check_shifts(harmonic_shifts)
        here = self._frames(amplitudes, harmonic_distribution, f0_hz, harmonic_shifts)
        there = {name: next_frames(value) for name, value in here.items()}
        return self._render(here, there)[0]

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence at phase 0."""
        n = self.n_harmonics
        state = {
            "harmonics": ops.zeros((batch_size, 1, n), "float32"),
            "f0_hz": ops.zeros((batch_size, 1, 1), "float32"),
            "phase": ops.zeros((batch_size, 2), "float32"),
            "started": ops.zeros((batch_size, 1, 1), "float32"),
        }
        if self.inharmonic:
            state["harmonic_shifts"] = ops.zeros((batch_size, 1, n), "float32")
            state["shift_phase"] = ops.zeros((batch_size, 2, n), "float32")
        return state

    def stream(
        self,
        state: State,
        amplitudes: Tensor,
        harmonic_distribution: Tensor,
        f0_hz: Tensor,
        harmonic_shifts: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Synthesizes the samples from the last frame of the previous block to that of this one."""
        self._check_shifts(harmonic_shifts)
        there = self._frames(amplitudes, harmonic_distribution, f0_hz, harmonic_shifts)
        here = {name: previous_frames(state[name], value) for name, value in there.items()}
        after = {name: value[:, -1:] for name, value in there.items()}
        # The phase must not advance before the first frame.
        later_f0 = ops.concatenate([f0_hz[:, :1] * state["started"], f0_hz[:, 1:]], axis=1)
        phases = {name: state[name] for name in ("phase", "shift_phase") if name in state}
        signal, phases = self._render(here, {**there, "f0_hz": later_f0}, phases)
        return signal, {**after, **phases, "started": ops.maximum(state["started"], 1.0)}

    def _initial_bias(self):
        """Returns raw outputs [n_harmonics] that fall by `initial_decay_db` per octave."""
        octaves = np.log2(np.arange(1, self.n_harmonics + 1))
        gains = 10.0 ** (-self.initial_decay_db * octaves / 20.0)
        # The inverse of exp_sigmoid, relative to its value at 0.
        sigmoid = 0.5 * gains ** (1.0 / math.log(10.0))
        return np.log(sigmoid / (1.0 - sigmoid)).astype(np.float32)

    def _check_shifts(self, harmonic_shifts):
        if (harmonic_shifts is not None) != self.inharmonic:
            given = "no harmonic_shifts" if harmonic_shifts is None else "harmonic_shifts"
            raise ValueError(f"{self.name}: {given} given, but inharmonic={self.inharmonic}")

    def _frames(self, amplitudes, harmonic_distribution, f0_hz, harmonic_shifts):
        harmonics = self._audible(amplitudes * harmonic_distribution, f0_hz, harmonic_shifts)
        frames = {"harmonics": harmonics, "f0_hz": f0_hz}
        return {**frames, "harmonic_shifts": harmonic_shifts} if self.inharmonic else frames

    def _frequencies(self, f0_hz, shifts):
        frequencies = f0_hz * ops.arange(1, self.n_harmonics + 1, dtype="float32")
        return frequencies * (1.0 + shifts) if self.inharmonic else frequencies

    def _audible(self, harmonics, f0_hz, shifts):
        frequencies = self._frequencies(f0_hz, shifts)
        below_nyquist = frequencies < self.sample_rate / 2.0
        # A sine of 0 Hz is a constant, not silence.
        return ops.where(ops.logical_and(frequencies > 0.0, below_nyquist), harmonics, 0.0)

    def _render(self, here, there, phases=None):
        phases, rates = phases or {}, (self.hop, self.sample_rate)
        f0_hz, next_f0_hz = here["f0_hz"][:, :, 0], there["f0_hz"][:, :, 0]
        phase, final = frame_phase(f0_hz, next_f0_hz, *rates, phases.get("phase"))
        phase, final = sample_phase(phase, f0_hz, next_f0_hz, *rates), {"phase": final}
        sounding = (here["harmonics"], there["harmonics"], self.weights_of_next_frame)
        if not self.inharmonic:
            return harmonic_sum(phase, *sounding, self.execution), final
        shifts = [detuning_hz(at["f0_hz"], at["harmonic_shifts"]) for at in (here, there)]
        shift_phase, final["shift_phase"] = partial_phase(
            *shifts, *rates, phases.get("shift_phase")
        )
        detuning = [whole + rest for whole, rest in shifts]
        signal = partial_sum(
            shift_phase, *detuning, *sounding, self.sample_rate, phase, self.execution
        )
        return signal, final

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ["n_harmonics", "sample_rate", "frame_rate", "interpolation", "scale", "inharmonic"]
        names += ["initial_decay_db", "response_points", "max_shift", "instruments"]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
