"""Names, sizes and inputs of the cases, without the code that is measured.

Both implementations get these arrays, so this module only needs NumPy.
"""

import dataclasses
import zlib
from collections.abc import Callable

import numpy as np

FRAME_RATE = 250
N_HARMONICS = 60
N_BANDS = 65
N_WAVETABLE = 512
REVERB_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Size:
    """Amount of audio that a case makes at once.

    Attributes:
        batch: Number of clips.
        sample_rate: Samples per second, a multiple of 250.
        seconds: Length of a clip.
    """

    batch: int
    sample_rate: int = 16000
    seconds: float = 4.0

    @property
    def frames(self) -> int:
        """Frames of a clip, at 250 per second."""
        return round(self.seconds * FRAME_RATE)

    @property
    def samples(self) -> int:
        """Samples of a clip."""
        return self.frames * self.sample_rate // FRAME_RATE

    @property
    def taps(self) -> int:
        """Samples of an impulse response of one second."""
        return round(REVERB_SECONDS * self.sample_rate)

    @property
    def fft_sizes(self) -> tuple[int, ...]:
        """Windows of the spectral loss: 128 to 4 ms, as powers of two."""
        longest = 2 ** round(np.log2(self.sample_rate * 0.128))
        return tuple(int(longest // 2**i) for i in range(6))

    def __str__(self) -> str:
        return f"batch {self.batch}, {self.seconds:g} s, {self.sample_rate / 1000:g} kHz"


@dataclasses.dataclass(frozen=True)
class Case:
    """A case to measure.

    Attributes:
        inputs: Names of the arrays it takes (keys of `ARRAYS`), in order.
        learned: Names of the inputs whose gradient is computed, besides those of all weights.
    """

    inputs: tuple[str, ...]
    learned: tuple[str, ...]


def _frames(channels: int) -> Callable:
    return lambda rng, size: rng.normal(size=(size.batch, size.frames, channels))


def _audio(rng, size):
    return rng.uniform(-0.5, 0.5, (size.batch, size.samples))


def _f0_hz(rng, size):
    start = rng.uniform(150.0, 400.0, (size.batch, 1, 1))
    time = np.arange(size.frames)[:, None] / FRAME_RATE
    return start * 2.0 ** (time / 8.0 + 0.03 * np.sin(2.0 * np.pi * 5.0 * time))


ARRAYS: dict[str, Callable] = {
    "amplitudes": _frames(1),
    "harmonic_distribution": _frames(N_HARMONICS),
    "harmonic_shifts": _frames(N_HARMONICS),
    "f0_hz": _f0_hz,
    "noise_magnitudes": _frames(N_BANDS),
    "sinusoid_amplitudes": _frames(N_HARMONICS),
    "sinusoid_frequencies": _frames(N_HARMONICS),
    "wavetables": _frames(N_WAVETABLE),
    "signal": _audio,
    "second_signal": _audio,
    "target": _audio,
    "impulse_response": lambda rng, size: rng.normal(size=(size.batch, size.taps)) * 0.01,
    "reverb_gain": lambda rng, size: rng.normal(size=(size.batch, 1)),
    "reverb_decay": lambda rng, size: rng.normal(size=(size.batch, 1)) + 2.0,
    "reverb_magnitudes": lambda rng, size: rng.normal(size=(size.batch, 250, 16)),
    "mix_level": _frames(1),
    "delay_gain": _frames(1),
    "delay_phase": _frames(1),
}

_HARMONIC = ("amplitudes", "harmonic_distribution")
_SYNTHESIS = (*_HARMONIC, "f0_hz", "noise_magnitudes", "target")
_SYNTHESIS_LEARNED = (*_HARMONIC, "noise_magnitudes")

CASES: dict[str, Case] = {
    "harmonic": Case((*_HARMONIC, "f0_hz"), _HARMONIC),
    "harmonic_learning_f0": Case((*_HARMONIC, "f0_hz"), (*_HARMONIC, "f0_hz")),
    "inharmonic": Case((*_HARMONIC, "f0_hz", "harmonic_shifts"), (*_HARMONIC, "harmonic_shifts")),
    "filtered_noise": Case(("noise_magnitudes",), ("noise_magnitudes",)),
    "sinusoidal": Case(
        ("sinusoid_amplitudes", "sinusoid_frequencies"),
        ("sinusoid_amplitudes", "sinusoid_frequencies"),
    ),
    "wavetable": Case(("amplitudes", "wavetables", "f0_hz"), ("amplitudes", "wavetables")),
    "reverb": Case(("signal",), ("signal",)),
    "reverb_given_response": Case(("signal", "impulse_response"), ("signal", "impulse_response")),
    "exp_decay_reverb": Case(
        ("signal", "reverb_gain", "reverb_decay"), ("signal", "reverb_gain", "reverb_decay")
    ),
    "filtered_noise_reverb": Case(("signal", "reverb_magnitudes"), ("signal", "reverb_magnitudes")),
    "fir_filter": Case(("signal", "noise_magnitudes"), ("signal", "noise_magnitudes")),
    "mod_delay": Case(
        ("signal", "delay_gain", "delay_phase"), ("signal", "delay_gain", "delay_phase")
    ),
    "add": Case(("signal", "second_signal"), ("signal", "second_signal")),
    "mix": Case(("signal", "second_signal", "mix_level"), ("signal", "second_signal", "mix_level")),
    "crop": Case(("signal",), ("signal",)),
    "spectral_loss": Case(("target", "signal"), ("signal",)),
    "synthesis_and_loss": Case(_SYNTHESIS, _SYNTHESIS_LEARNED),
    "synthesis_reverb_and_loss": Case(_SYNTHESIS, _SYNTHESIS_LEARNED),
}


def make_inputs(case: str, size: Size) -> dict[str, np.ndarray]:
    """Draws the arrays of a case; equal for the same case and size in any process.

    Args:
        case: Key of `CASES`.
        size: Amount of audio.

    Returns:
        float32 arrays by name, and "slope" [batch, samples]: the gradient that comes back to the
        output of a case that makes audio.
    """
    rng = np.random.default_rng(zlib.crc32(case.encode()))
    arrays = {name: ARRAYS[name](rng, size) for name in CASES[case].inputs}
    arrays["slope"] = rng.normal(size=(size.batch, size.samples))
    return {name: array.astype(np.float32) for name, array in arrays.items()}
