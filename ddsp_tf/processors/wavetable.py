"""Synthesizer that reads one period of a waveform at the rate of a pitch."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ddsp_tf.dsp.framing import crossfade_weights, next_frames, previous_frames
from ddsp_tf.dsp.oscillators import frame_phase, sample_phase
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.dsp.wavetable import band_limited, read_tables
from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import State, Tensor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Wavetable(Processor):
    """One period of a waveform, trainable or given, played at f0.

    As in Shan et al., "Differentiable wavetable synthesis" (ICASSP 2022). Each frame's table is
    band-limited to the harmonics of f0 below the Nyquist frequency, so nothing aliases, and
    neighbouring frames are crossfaded, so tables may change over time. Between points the table is
    interpolated linearly: harmonic k of N points is off by about (pi * k / N) ** 2 / 2.

    Args:
        n_points: Number of points in the table, even, at least 4.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        interpolation: Shape of the crossfade from frame to frame, "hann" or "linear".
        scale: Whether `get_controls` maps raw network outputs to amplitudes by `exp_sigmoid`; False
            if the inputs are amplitudes already. Tables are not scaled.
        learned: Whether the layer has one trainable table, `wavetable`, initially a sine; False if
            the caller passes tables with every call.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        amplitudes: Raw amplitude [batch, frames, 1].
        f0_hz: Frequency in Hz [batch, frames, 1]; 0 is silent.
        wavetables: Tables [batch, frames, n_points], or [batch, 1, n_points] for all frames; only
            if not `learned`.

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If the frame rate does not divide the sample rate, a number is out of range, or
            tables are missing, unexpected or not of n_points points.

    Example:
        >>> wavetable = Wavetable(n_points=256, sample_rate=16000, frame_rate=250)
        >>> wavetable(ops.ones((1, 250, 1)), ops.full((1, 250, 1), 440.0)).shape
        TensorShape([1, 16000])
    """

    def __init__(
        self,
        n_points: int = 2048,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        interpolation: str = "hann",
        scale: bool = True,
        learned: bool = True,
        name: str = "wavetable",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if n_points < 4 or n_points % 2:
            raise ValueError(f"n_points={n_points}; expected an even number of at least 4")
        self.n_points = n_points
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.interpolation = interpolation
        self.weights_of_next_frame = crossfade_weights(self.hop, interpolation)
        self.scale = scale
        self.learned = learned

    def make_weights(self) -> None:
        """Creates the learned table: one period of a sine."""
        if self.learned:
            sine = np.sin(2.0 * np.pi * np.arange(self.n_points) / self.n_points)
            self.wavetable = self.add_weight(
                name="wavetable",
                shape=(self.n_points,),
                initializer=lambda shape, dtype=None: ops.convert_to_tensor(sine, "float32"),
            )

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the call arguments."""
        return ("amplitudes", "f0_hz") if self.learned else ("amplitudes", "f0_hz", "wavetables")

    @property
    def input_sizes(self) -> dict[str, int]:
        """Channels: one amplitude, and a table unless it is learned."""
        return {"amplitudes": 1, **({} if self.learned else {"wavetables": self.n_points})}

    @property
    def latency(self) -> int:
        """Samples of one hop, because the samples of a frame depend on the next frame."""
        return self.hop

    def get_controls(
        self, amplitudes: Tensor, f0_hz: Tensor, wavetables: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Scales raw amplitudes.

        Args:
            amplitudes: Raw amplitude [batch, frames, 1].
            f0_hz: Frequency in Hz [batch, frames, 1].
            wavetables: Tables [batch, frames or 1, n_points]; only if not `learned`.

        Returns:
            "amplitudes", "f0_hz", and "wavetables": the given tables, or the layer's own as [1, 1,
            n_points].
        """
        if (wavetables is None) != self.learned:
            state = "missing" if wavetables is None else "given"
            raise ValueError(f"{self.name}: wavetables are {state}, but learned={self.learned}")
        if wavetables is None:
            wavetables = ops.convert_to_tensor(self.wavetable)[None, None, :]
        if self.scale:
            amplitudes = exp_sigmoid(amplitudes)
        return {"amplitudes": amplitudes, "f0_hz": f0_hz, "wavetables": wavetables}

    def get_signal(self, amplitudes: Tensor, f0_hz: Tensor, wavetables: Tensor) -> Tensor:
        """Synthesizes audio from physical controls.

        Args:
            amplitudes: Linear amplitude [batch, frames, 1].
            f0_hz: Frequency in Hz [batch, frames, 1].
            wavetables: Tables [batch or 1, frames or 1, n_points].

        Returns:
            Audio [batch, frames * hop]; the last frame is held to its end.
        """
        tables = self._sounding(amplitudes, f0_hz, wavetables)
        return self._render(tables, next_frames(tables), f0_hz, next_frames(f0_hz))[0]

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first block: silence at phase 0."""
        return {
            "tables": ops.zeros((batch_size, 1, self.n_points), "float32"),
            "f0_hz": ops.zeros((batch_size, 1, 1), "float32"),
            "phase": ops.zeros((batch_size, 2), "float32"),
            "started": ops.zeros((batch_size, 1, 1), "float32"),
        }

    def stream(
        self, state: State, amplitudes: Tensor, f0_hz: Tensor, wavetables: Tensor
    ) -> tuple[Tensor, State]:
        """Synthesizes the samples from the last frame of the previous block to that of this one."""
        tables = self._sounding(amplitudes, f0_hz, wavetables)
        # There is no sound before the first frame, and the phase must not advance.
        later_f0 = ops.concatenate([f0_hz[:, :1] * state["started"], f0_hz[:, 1:]], axis=1)
        later = ops.concatenate([tables[:, :1] * state["started"], tables[:, 1:]], axis=1)
        signal, phase = self._render(
            previous_frames(state["tables"], tables),
            later,
            previous_frames(state["f0_hz"], f0_hz),
            later_f0,
            initial_phase=state["phase"],
        )
        return signal, {
            "tables": tables[:, -1:],
            "f0_hz": f0_hz[:, -1:],
            "phase": phase,
            "started": ops.maximum(state["started"], 1.0),
        }

    def _sounding(self, amplitudes, f0_hz, wavetables):
        return amplitudes * band_limited(wavetables, f0_hz, self.sample_rate)

    def _render(self, tables, next_tables, f0_hz, next_f0_hz, initial_phase=None):
        f0_hz, next_f0_hz = f0_hz[:, :, 0], next_f0_hz[:, :, 0]
        rates = (self.hop, self.sample_rate)
        phase, final = frame_phase(f0_hz, next_f0_hz, *rates, initial_phase)
        phase = sample_phase(phase, f0_hz, next_f0_hz, *rates)
        here, there = read_tables(tables, phase), read_tables(next_tables, phase)
        signal = here + (there - here) * self.weights_of_next_frame
        return ops.reshape(signal, (ops.shape(signal)[0], -1)), final

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("n_points", "sample_rate", "frame_rate", "interpolation", "scale", "learned")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
