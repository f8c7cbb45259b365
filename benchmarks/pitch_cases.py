"""The synthetic set of `pitch_marks.py`: signals of exactly known pitch, 27.5 Hz to 4.2 kHz."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pitch_signals import (
    MISSING_FUNDAMENTAL,
    ODD,
    RICH,
    STRONG_SECOND,
    WEAK_FUNDAMENTAL,
    PitchedSignal,
    glide,
    notes,
    steady,
    tone,
    vibrato,
)

SAMPLE_RATE = 16000
PITCHES_HZ = 27.5 * (4186.0 / 27.5) ** (np.arange(15) / 14)
SNRS_DB = (np.inf, 30.0, 20.0, 10.0, 0.0)
PEAKS_DB = (0.0, -20.0, -40.0, -60.0)
VIBRATOS = ((30.0, 4.5), (50.0, 5.5), (80.0, 6.5), (30.0, 5.0), (50.0, 4.5), (80.0, 5.5))
PLUCKS = ((55, 1.6), (82, 1.2), (110, 0.8), (196, 0.6), (330, 0.8), (523, 0.5), (880, 0.8))
SILENT_DB = -50.0


class Case(NamedTuple):
    """A signal with its kind and its signal-to-noise ratio in dB."""

    kind: str
    snr_db: float
    signal: PitchedSignal


def with_rests(curve: np.ndarray, seconds: float = 0.3) -> np.ndarray:
    """Puts silence at both ends of a pitch curve."""
    rest = np.zeros(round(seconds * SAMPLE_RATE))
    return np.concatenate([rest, curve, rest])


def shaped(signal: PitchedSignal, envelope: np.ndarray) -> PitchedSignal:
    """Multiplies a signal by an envelope [samples]."""
    return PitchedSignal((signal.audio * envelope).astype(np.float32), signal.f0_hz, SAMPLE_RATE)


def plucks(hz: float, decay_seconds: float) -> PitchedSignal:
    """Three plucked notes that fall by 60 dB in a given time, are damped after 1 s, then a rest.

    A note is voiced until it has fallen by 50 dB.
    """
    parts, curves = [np.zeros(round(0.3 * SAMPLE_RATE))], [np.zeros(round(0.3 * SAMPLE_RATE))]
    time = np.arange(round(1.2 * SAMPLE_RATE)) / SAMPLE_RATE
    for pitch in (hz, 1.5 * hz, 0.75 * hz):
        level_db = -60.0 * time / decay_seconds
        note = np.zeros_like(time)
        for k in range(1, 13):
            if k * pitch < 0.45 * SAMPLE_RATE:
                fall = 10.0 ** (level_db / 20.0 * (1.0 + 0.15 * (k - 1)))
                note += np.sin(2 * np.pi * k * pitch * time) / k * fall
        note *= np.clip((1.0 - time) / 0.01, 0.0, 1.0) * np.clip(time / 0.003, 0.0, 1.0)
        parts.append(note)
        curves.append(np.where((level_db > SILENT_DB) & (time < 1.0), pitch, 0.0))
    return PitchedSignal(
        np.concatenate(parts).astype(np.float32), np.concatenate(curves), SAMPLE_RATE
    )


def portamento(hz: float) -> np.ndarray:
    """A scale whose notes slide into their pitch from below, with rests of 150 ms between them."""
    parts = []
    for semitones in (0, 2, 4, 5, 7):
        pitch = hz * 2 ** (semitones / 12)
        slide = glide(pitch * 2 ** (-1.5 / 12), pitch, 0.08)
        parts += [slide, steady(pitch, 0.35), steady(0.0, 0.15)]
    return with_rests(np.concatenate(parts), 0.2)


def legato(hz: float) -> np.ndarray:
    """Notes joined by glides of 100 ms."""
    pitches = [hz * 2 ** (semitones / 12) for semitones in (0, 4, 7, 12, 7, 3)]
    parts = [steady(pitches[0], 0.3)]
    for before, after in itertools.pairwise(pitches):
        parts += [glide(before, after, 0.1), steady(after, 0.3)]
    return with_rests(np.concatenate(parts))


def swells(hz: float) -> list[PitchedSignal]:
    """A tone of 2 s that rises by 55 dB, and one that falls."""
    signal = tone(with_rests(steady(hz, 2.0)), SAMPLE_RATE, RICH, phase_seed=11)
    share = (np.arange(signal.audio.size) / SAMPLE_RATE - 0.3) / 2.0
    rise = 10.0 ** (-55.0 / 20.0 * np.clip(1.0 - share, 0.0, 1.0))
    return [shaped(signal, rise), shaped(signal, rise[::-1])]


def kinds() -> dict[str, list[PitchedSignal]]:
    """Makes the pitched signals at full level and without noise, by kind."""

    def tones(curves, amplitudes, phase_seed=None):
        return [tone(curve, SAMPLE_RATE, amplitudes, 0.2, phase_seed) for curve in curves]

    held = [with_rests(steady(hz)) for hz in PITCHES_HZ]
    middle = [curve for curve, hz in zip(held, PITCHES_HZ, strict=True) if hz < 1100]
    moving = [hz for hz in PITCHES_HZ if 50 < hz < 2200]
    swing = 0.6 + 0.4 * np.sin(2 * np.pi * 6 / SAMPLE_RATE * np.arange(held[0].size))
    swings = zip(PITCHES_HZ, np.resize(VIBRATOS, (15, 2)), strict=True)
    return {
        "sine": tones(held, (1.0,)),
        "rich tone": tones(held, RICH),
        "weak fundamental": tones(middle, WEAK_FUNDAMENTAL, 1),
        "missing fundamental": tones(middle, MISSING_FUNDAMENTAL, 2),
        "odd harmonics only": tones(middle, ODD, 3),
        "strong second harmonic": tones(middle, STRONG_SECOND, 4),
        "vibrato": tones((with_rests(vibrato(hz, *how, 1.0)) for hz, how in swings), RICH, 5),
        "glide over two octaves": tones((with_rests(glide(h / 2, 2 * h)) for h in moving), RICH, 6),
        "jumps": tones(
            (with_rests(notes([h, 2 * h, h, h / 2, 1.5 * h], 0.4)) for h in moving if h < 1100),
            RICH,
            7,
        ),
        "tremolo": [shaped(signal, swing) for signal in tones(held, RICH, 8)],
        "plucks": [plucks(hz, seconds) for hz, seconds in PLUCKS],
        "portamento with rests": tones((portamento(h) for h in moving if h < 1100), RICH, 9),
        "legato": tones((legato(h) for h in moving if h < 1100), RICH, 10),
        "swell of 55 dB": [signal for hz in moving for signal in swells(hz)],
    }


def unpitched() -> list[PitchedSignal]:
    """Silence, dither, clicks, and white, pink, brown and band-limited noise, 6 s each."""
    size = 6 * SAMPLE_RATE
    rng = np.random.default_rng(3)
    white = rng.normal(size=size)
    hz = np.maximum(np.arange(size // 2 + 1) / 6.0, 20.0)
    spectrum = np.fft.rfft(white)
    pink, brown = np.fft.irfft(spectrum / np.sqrt(hz)), np.fft.irfft(spectrum / hz)
    band = np.fft.irfft(spectrum / (1.0 + ((hz - 1500.0) / 300.0) ** 2))
    clicks = np.zeros(size)
    clicks[rng.integers(0, size, 40)] = 1.0
    dither = np.round(1.2 * rng.uniform(-1.0, 1.0, size))
    sounds = ((np.zeros(size), 0.0), (white, 0.3), (pink, 0.1), (brown, 0.3), (clicks, 0.5))
    return [
        PitchedSignal(
            (peak * audio / max(np.abs(audio).max(), 1e-9)).astype(np.float32),
            np.zeros(size),
            SAMPLE_RATE,
        )
        for audio, peak in (*sounds, (band, 0.03), (dither, 2.0**-15))
    ]


def cases() -> Iterator[Case]:
    """Yields all signals; noise and level vary so that all combinations occur."""
    count = 0
    for kind, signals in kinds().items():
        for number, signal in enumerate(signals):
            for shift in (0, 1):
                snr_db = SNRS_DB[(number + 2 * shift) % len(SNRS_DB)]
                if kind in ("plucks", "swell of 55 dB"):
                    snr_db = np.inf
                noisy = signal.with_noise(snr_db, count)
                peak_db = PEAKS_DB[(number + count + shift) % len(PEAKS_DB)]
                scale = 10.0 ** (peak_db / 20.0) / np.abs(noisy.audio).max()
                yield Case(kind, snr_db, shaped(noisy, np.full(noisy.audio.size, scale)))
                count += 1
    for signal in unpitched():
        yield Case("no pitch", np.inf, signal)
