"""Signals whose pitch is known exactly at every sample, for tests and benchmarks of trackers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PitchedSignal:
    """Audio with its pitch.

    Attributes:
        audio: Mono float32 [samples].
        f0_hz: Pitch at every sample in Hz, 0 where there is none [samples].
        sample_rate: Sample rate in Hz.
    """

    audio: np.ndarray
    f0_hz: np.ndarray
    sample_rate: int

    def frames(self, hop: int) -> np.ndarray:
        """Gives the pitch at the samples k * hop, [samples // hop]."""
        return self.f0_hz[: self.f0_hz.size // hop * hop : hop]

    def with_noise(self, snr_db: float, seed: int = 0) -> "PitchedSignal":
        """Adds white noise, at a ratio to the power of the pitched part; infinity adds none."""
        if not np.isfinite(snr_db):
            return self
        power = np.mean(self.audio[self.f0_hz > 0].astype(np.float64) ** 2)
        noise = np.random.default_rng(seed).normal(size=self.audio.size)
        audio = self.audio + np.sqrt(power * 10 ** (-snr_db / 10)) * noise
        return PitchedSignal(audio.astype(np.float32), self.f0_hz, self.sample_rate)


def tone(
    f0_hz, sample_rate: int = 16000, amplitudes=(1.0,), level: float = 0.2, phase_seed=None
) -> PitchedSignal:
    """Harmonics that follow a pitch curve exactly; those above 45 % of the rate are left out.

    Args:
        f0_hz: Pitch at every sample; 0 is silence.
        sample_rate: Sample rate in Hz.
        amplitudes: Amplitudes of the harmonics, from the first.
        level: Root mean square of the part that sounds.
        phase_seed: Seed of the harmonics' phases; None lets them all start as sines.
    """
    f0_hz = np.asarray(f0_hz, np.float64)
    phase = 2 * np.pi * (np.cumsum(f0_hz) - f0_hz) / sample_rate
    offsets = np.zeros(len(amplitudes))
    if phase_seed is not None:
        offsets = np.random.default_rng(phase_seed).uniform(0, 2 * np.pi, len(amplitudes))
    audio = np.zeros_like(phase)
    for number, (amplitude, offset) in enumerate(zip(amplitudes, offsets, strict=True), start=1):
        if amplitude and np.any(number * f0_hz < 0.45 * sample_rate):
            audible = (f0_hz > 0) & (number * f0_hz < 0.45 * sample_rate)
            audio += np.where(audible, amplitude * np.sin(number * phase + offset), 0.0)
    sounding = f0_hz > 0
    if sounding.any():
        audio *= level / np.sqrt(np.mean(audio[sounding] ** 2))
    return PitchedSignal(audio.astype(np.float32), f0_hz, sample_rate)


def steady(hz: float, seconds: float = 1.0, sample_rate: int = 16000) -> np.ndarray:
    """A constant pitch curve."""
    return np.full(round(seconds * sample_rate), float(hz))


def glide(start_hz, stop_hz, seconds: float = 2.0, sample_rate: int = 16000) -> np.ndarray:
    """A pitch curve that moves evenly in log frequency."""
    share = np.arange(round(seconds * sample_rate)) / (seconds * sample_rate)
    return start_hz * (stop_hz / start_hz) ** share


def vibrato(
    hz, cents: float = 50.0, rate_hz: float = 5.5, seconds: float = 2.0, sample_rate: int = 16000
) -> np.ndarray:
    """A pitch curve that swings around a note by some cents to each side."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return hz * 2 ** (cents / 1200 * np.sin(2 * np.pi * rate_hz * time))


def notes(pitches_hz, seconds_each: float = 0.5, sample_rate: int = 16000) -> np.ndarray:
    """A pitch curve of notes that follow each other at once; 0 Hz is a rest."""
    return np.repeat(np.asarray(pitches_hz, np.float64), round(seconds_each * sample_rate))


RICH = tuple(1.0 / k for k in range(1, 21))
MISSING_FUNDAMENTAL = (0.0, 0.0, *(1.0 / k for k in range(3, 13)))
WEAK_FUNDAMENTAL = (0.3, 0.1, 0.5, 0.05, 0.4, 0.1, 0.3)
ODD = tuple(1.0 / k if k % 2 else 0.0 for k in range(1, 20))
STRONG_SECOND = (0.2, 1.0, 0.15, 0.5, 0.1, 0.3, 0.05, 0.2)
# A formant on the second harmonic, as of a bassoon: the others are 18 dB weaker or more.
LOUD_SECOND = (0.06, 1.0, 0.03, 0.12, 0.06, 0.1, 0.04, 0.06, 0.03, 0.04)
HOLLOW = (1.0, 0.0, 1 / 3, 0.0, 1 / 5, 0.0, 1 / 7)


def cents_between(measured_hz: np.ndarray, true_hz: np.ndarray) -> np.ndarray:
    """Distance in cents; infinite where either is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        cents = 1200.0 * np.abs(np.log2(measured_hz / true_hz))
    return np.where((measured_hz > 0) & (true_hz > 0), cents, np.inf)


def sine_sweep(sample_rate=16000):
    """The sweep of CREPE's own tests, computed: a sine from 181 to 1814 Hz in 2.756 s.

    Returns:
        Audio [samples], and the function from seconds to Hz.
    """
    seconds, start_hz = 2.75625, 181.406
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    rate = np.log(10.0) / seconds
    cycles = start_hz * np.expm1(rate * time) / rate
    audio = 0.95 * np.sin(2.0 * np.pi * cycles)
    return audio.astype(np.float32), lambda at: start_hz * np.exp(rate * at)
