"""Additive synthesizer of harmonic sounds."""

import keras
from keras import ops

from ddsp_tf.dsp.framing import crossfade_weights, hop_size, next_frames
from ddsp_tf.dsp.oscillators import frame_phase, harmonic_sum, sample_phase
from ddsp_tf.processors.base import Processor
from ddsp_tf.units import exp_sigmoid


@keras.saving.register_keras_serializable(package="ddsp_tf")
class Harmonic(Processor):
    """A bank of sines at the integer multiples of f0.

    The synthesizer of Engel et al., "DDSP" (ICLR 2020): one amplitude, and its distribution over
    the harmonics. Harmonics at or above the Nyquist frequency are silent.

    Args:
        n_harmonics: Number of harmonics, at least 1; expected size of the distribution.
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.
        interpolation: "hann" or "linear": how amplitudes move from frame to frame.
        scale: Whether `get_controls` maps raw network outputs to amplitudes by `exp_sigmoid`;
            False if the inputs are amplitudes already.
        name: Layer name.
        **kwargs: Further `keras.layers.Layer` arguments.

    Call arguments:
        amplitudes: [batch, frames, 1] raw.
        harmonic_distribution: [batch, frames, n_harmonics] raw.
        f0_hz: [batch, frames, 1] fundamental frequency in Hz; 0 is silent.

    Returns:
        Audio [batch, frames * hop].

    Raises:
        ValueError: If rates do not divide, a number is out of range, or the distribution has
            another number of harmonics.

    Example:
        >>> harmonic = Harmonic(n_harmonics=20, sample_rate=16000, frame_rate=250)
        >>> audio = harmonic(ops.ones((1, 250, 1)), ops.ones((1, 250, 20)),
        ...                  ops.full((1, 250, 1), 440.0))
        >>> audio.shape
        TensorShape([1, 16000])
    """

    input_names = ("amplitudes", "harmonic_distribution", "f0_hz")

    def __init__(
        self,
        n_harmonics=60,
        sample_rate=16000,
        frame_rate=250,
        interpolation="hann",
        scale=True,
        name="harmonic",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if n_harmonics < 1:
            raise ValueError(f"n_harmonics={n_harmonics}; expected at least 1")
        self.n_harmonics = n_harmonics
        self.sample_rate = sample_rate
        self.frame_rate = frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        self.interpolation = interpolation
        self.weights_of_next_frame = crossfade_weights(self.hop, interpolation)
        self.scale = scale

    @property
    def input_sizes(self):
        """One amplitude, and one share a harmonic."""
        return {"amplitudes": 1, "harmonic_distribution": self.n_harmonics}

    @property
    def latency(self):
        """One hop: the samples of a frame lead to the next frame."""
        return self.hop

    def get_controls(self, amplitudes, harmonic_distribution, f0_hz):
        """Scales raw outputs; normalizes the distribution below the Nyquist frequency.

        Args:
            amplitudes: [batch, frames, 1].
            harmonic_distribution: [batch, frames, n_harmonics].
            f0_hz: [batch, frames, 1] Hz.

        Returns:
            The same three names: amplitude of the whole tone, share of each harmonic (they add
            up to 1, or to 0 where f0 is 0 or above Nyquist), f0 in Hz.
        """
        if harmonic_distribution.shape[-1] != self.n_harmonics:
            raise ValueError(
                f"{self.name}: harmonic_distribution has {harmonic_distribution.shape[-1]} "
                f"channels; expected n_harmonics={self.n_harmonics}"
            )
        if self.scale:
            amplitudes = exp_sigmoid(amplitudes)
            harmonic_distribution = exp_sigmoid(harmonic_distribution)
        audible = self._audible(harmonic_distribution, f0_hz)
        total = ops.sum(audible, axis=-1, keepdims=True)
        return {
            "amplitudes": amplitudes,
            "harmonic_distribution": audible / ops.maximum(total, 1e-7),
            "f0_hz": f0_hz,
        }

    def get_signal(self, amplitudes, harmonic_distribution, f0_hz):
        """Synthesizes audio from physical controls.

        Args:
            amplitudes: [batch, frames, 1], linear.
            harmonic_distribution: [batch, frames, harmonics] share of each harmonic.
            f0_hz: [batch, frames, 1] Hz.

        Returns:
            Audio [batch, frames * hop]; the last frame is held to its end.
        """
        harmonics = self._audible(amplitudes * harmonic_distribution, f0_hz)
        signal, _ = self._render(harmonics, next_frames(harmonics), f0_hz, next_frames(f0_hz))
        return signal

    def initial_state(self, batch_size):
        """Silence at phase 0."""
        return {
            "harmonics": ops.zeros((batch_size, 1, self.n_harmonics)),
            "f0_hz": ops.zeros((batch_size, 1, 1)),
            "phase": ops.zeros((batch_size, 1)),
            "started": ops.zeros((batch_size, 1, 1)),
        }

    def stream(self, state, amplitudes, harmonic_distribution, f0_hz):
        """Synthesizes the samples from the previous block's last frame to this one's last."""
        harmonics = self._audible(amplitudes * harmonic_distribution, f0_hz)
        earlier = ops.concatenate([state["harmonics"], harmonics[:, :-1]], axis=1)
        earlier_f0 = ops.concatenate([state["f0_hz"], f0_hz[:, :-1]], axis=1)
        # Before the first frame there is nothing: its phase must not advance.
        later_f0 = ops.concatenate([f0_hz[:, :1] * state["started"], f0_hz[:, 1:]], axis=1)
        signal, phase = self._render(
            harmonics=earlier,
            next_harmonics=harmonics,
            f0_hz=earlier_f0,
            next_f0_hz=later_f0,
            initial_phase=state["phase"],
        )
        return signal, {
            "harmonics": harmonics[:, -1:],
            "f0_hz": f0_hz[:, -1:],
            "phase": phase,
            "started": ops.ones_like(state["started"]),
        }

    def _audible(self, harmonics, f0_hz):
        multiples = ops.arange(1, harmonics.shape[-1] + 1, dtype="float32")
        below_nyquist = f0_hz * multiples < self.sample_rate / 2.0
        # At 0 Hz a sine stands still wherever it is: a constant, not silence.
        return ops.where(ops.logical_and(f0_hz > 0.0, below_nyquist), harmonics, 0.0)

    def _render(self, harmonics, next_harmonics, f0_hz, next_f0_hz, initial_phase=None):
        f0_hz, next_f0_hz = f0_hz[:, :, 0], next_f0_hz[:, :, 0]
        rates = (self.hop, self.sample_rate)
        phase, final = frame_phase(f0_hz, next_f0_hz, *rates, initial_phase)
        phase = sample_phase(phase, f0_hz, next_f0_hz, *rates)
        return harmonic_sum(phase, harmonics, next_harmonics, self.weights_of_next_frame), final

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "n_harmonics": self.n_harmonics,
            "sample_rate": self.sample_rate,
            "frame_rate": self.frame_rate,
            "interpolation": self.interpolation,
            "scale": self.scale,
        }
