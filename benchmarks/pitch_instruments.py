"""Imitated instruments and recordings of `pitch_marks.py`, of exactly known pitch.

`auto` requires harmonics of a pitch (`sparse_cost`) because of the hall, so only the other numbers
represent material that it was not developed on.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pitch_signals import PitchedSignal

RATE = 48000
# Formants of five vowels (centre and width in Hz) of a low voice.
VOWELS = {
    "a": ((700, 90), (1150, 110), (2600, 160), (3300, 250)),
    "e": ((420, 70), (1900, 100), (2500, 160), (3300, 250)),
    "i": ((280, 60), (2250, 100), (2900, 160), (3400, 250)),
    "o": ((450, 70), (800, 90), (2550, 160), (3300, 250)),
    "u": ((310, 60), (700, 90), (2300, 160), (3300, 250)),
}
SCALE = (0, 2, 4, 7, 12, 9, 5, 0)


def melody(lowest_hz: float, note_seconds: float, rest_seconds: float) -> list[tuple]:
    """Notes as (start, end, Hz)."""
    notes, clock = [], 0.2
    for semitones in SCALE:
        notes.append((clock, clock + note_seconds, lowest_hz * 2 ** (semitones / 12)))
        clock += note_seconds + rest_seconds
    return notes


def curve(notes: list[tuple], rng, vibrato_cents=0.0, jitter=0.0, scoop_cents=0.0):
    """Pitch per sample, 0 in rests, and a level with attacks and releases."""
    size = round((notes[-1][1] + 0.4) * RATE)
    f0_hz, level = np.zeros((2, size))
    for start, end, hz in notes:
        time = np.arange(round((end - start) * RATE)) / RATE
        cents = vibrato_cents * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * time)
        cents *= np.clip(time / 0.3, 0.0, 1.0)
        cents -= scoop_cents * np.exp(-time / 0.04)
        slow = jitter * rng.normal(size=round((end - start) / 0.008) + 3)
        slow = np.interp(time, 0.008 * np.arange(slow.size), slow)
        first = round(start * RATE)
        f0_hz[first : first + time.size] = hz * 2 ** (cents / 1200) * (1.0 + slow)
        rise = np.clip(time / rng.uniform(0.01, 0.06), 0.0, 1.0)
        fall = np.clip((end - start - time) / rng.uniform(0.02, 0.06), 0.0, 1.0)
        gain = 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0)
        level[first : first + time.size] = gain * rise * fall
    return f0_hz, level


def harmonics(f0_hz, amplitude, count=60):
    """Sum of harmonics; `amplitude(number, hz)` gives gains per sample."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    audio = np.zeros_like(phase)
    for number in range(1, count + 1):
        hz = number * f0_hz
        if hz.max() > 0 and hz[hz > 0].min() < 0.4 * RATE:
            gain = np.where(hz < 0.4 * RATE, amplitude(number, np.maximum(hz, 1.0)), 0.0)
            audio += gain * np.sin(number * phase + number**2)
    return audio


def breath(size, rng, low_hz, high_hz):
    """Noise between two frequencies, of unit power."""
    spectrum = np.fft.rfft(rng.normal(size=size))
    hz = np.fft.rfftfreq(size, 1.0 / RATE)
    noise = np.fft.irfft(spectrum * ((hz > low_hz) & (hz < high_hz)), size)
    return noise / noise.std()


def voice(lowest_hz, rng):
    """Vowels sung with jitter, shimmer, vibrato and aspiration."""
    f0_hz, level = curve(melody(lowest_hz, 0.6, 0.12), rng, 60.0, 0.003, 60.0)
    shift = 1.15 if lowest_hz > 200 else 1.0
    vowels = rng.permutation(list(VOWELS))
    place = np.arange(f0_hz.size) / f0_hz.size * (len(vowels) - 1)

    def formants(number, hz):
        gains = [
            sum(1.0 / (1.0 + ((hz - shift * at) / width) ** 2) for at, width in VOWELS[vowel])
            for vowel in vowels
        ]
        along = np.stack(gains)
        low = np.minimum(place.astype(int), len(vowels) - 2)
        every = np.arange(hz.size)
        return (
            along[low, every] * (1 - place + low) + along[low + 1, every] * (place - low) + 0.003
        ) / number

    shimmer = 1.0 + 0.1 * np.repeat(rng.normal(size=f0_hz.size // 240 + 1), 240)[: f0_hz.size]
    audio = harmonics(f0_hz, formants, 80) * shimmer
    audio += 0.1 * audio.std() * breath(audio.size, rng, 500, 8000)
    return f0_hz, audio * level


def reed(lowest_hz, rng):
    """A clarinet: even harmonics are weak, more so at the low end."""
    f0_hz, level = curve(melody(lowest_hz, 0.5, 0.06), rng, 0.0, 0.001, 20.0)

    def gains(number, hz):
        even = np.clip((hz / 2500.0) ** 2, 0.003, 1.0) if number % 2 == 0 else 1.0
        return even / (1.0 + (hz / 1500.0) ** 2)

    audio = harmonics(f0_hz, gains) + 0.01 * breath(f0_hz.size, rng, 300, 6000)
    return f0_hz, audio * level


def double_reed(lowest_hz, rng):
    """A bassoon: a formant far above a weak fundamental."""
    f0_hz, level = curve(melody(lowest_hz, 0.5, 0.08), rng, 20.0, 0.002, 10.0)

    def gains(number, hz):
        return np.exp(-(np.log2(hz / 520.0) ** 2) * 1.6) + 0.02 / number

    audio = harmonics(f0_hz, gains) + 0.01 * breath(f0_hz.size, rng, 300, 6000)
    return f0_hz, audio * level


def flute(lowest_hz, rng):
    """Few harmonics and much breath."""
    f0_hz, level = curve(melody(lowest_hz, 0.5, 0.1), rng, 25.0, 0.001, 30.0)
    audio = harmonics(f0_hz, lambda number, hz: 1.0 / number**2.2, 6)
    audio += 0.25 * breath(f0_hz.size, rng, 400, 12000)
    return f0_hz, audio * level


def whistle(lowest_hz, rng):
    """Nearly a sine, sliding between notes, with noise of the lips."""
    f0_hz, level = curve(melody(lowest_hz, 0.45, 0.1), rng, 40.0, 0.001, 150.0)
    audio = harmonics(f0_hz, lambda number, hz: 0.03 ** (number - 1) + 0 * hz, 3)
    audio += 0.1 * breath(f0_hz.size, rng, 800, 10000)
    return f0_hz, audio * level


def brass(lowest_hz, rng):
    """Brightness follows the level; notes start dark."""
    f0_hz, level = curve(melody(lowest_hz, 0.6, 0.05), rng, 10.0, 0.001, 40.0)
    bright = 1.6 - 0.9 * level / level.max()
    audio = harmonics(f0_hz, lambda number, hz: number**-bright)
    return f0_hz, audio * level


def bowed(lowest_hz, rng):
    """A string with body resonances that hide single harmonics, vibrato and bow noise."""
    f0_hz, level = curve(melody(lowest_hz, 0.5, 0.03), rng, 35.0, 0.002, 30.0)
    centres = rng.uniform(100.0, 4000.0, 14)
    depths = rng.uniform(-25.0, 15.0, 14)

    def gains(number, hz):
        decibels = sum(
            depth * np.exp(-(np.log2(hz / at) ** 2) * 60)
            for at, depth in zip(centres, depths, strict=True)
        )
        return 10.0 ** (decibels / 20.0) / number

    audio = harmonics(f0_hz, gains) + 0.06 * breath(f0_hz.size, rng, 200, 7000)
    return f0_hz, audio * level


def plucked(lowest_hz, rng, ringing=False):
    """Stiff strings: partials sharpen and decay faster the higher they are.

    A ringing string sounds on, 20 dB quieter, under the notes that follow.
    """
    notes = melody(lowest_hz, 0.7, 0.0)
    size = round((notes[-1][1] + 1.0) * RATE)
    f0_hz, audio = np.zeros((2, size))
    for start, end, hz in notes:
        first, stiffness, position = (
            round(start * RATE),
            rng.uniform(2e-5, 3e-4),
            rng.uniform(0.1, 0.3),
        )
        time = np.arange(size - first) / RATE
        note = np.zeros_like(time)
        for k in range(1, 25):
            at = k * hz * np.sqrt(1.0 + stiffness * k**2)
            if at < 0.4 * RATE:
                decay = np.exp(-time * (1.2 + hz / 400.0) * (1.0 + 0.25 * k))
                note += np.sin(2 * np.pi * at * time + k) * np.sin(np.pi * k * position) / k * decay
        held = np.where(time < end - start, 1.0, np.exp(-(time - end + start) / 0.02))
        if ringing:
            held = np.maximum(held, 0.1)
        knock = np.exp(-time / 0.008) * rng.normal(size=time.size) * 0.1
        gain = 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0)
        audio[first:] += gain * (note * np.clip(time / 0.002, 0, 1) + knock) * held
        fundamental = hz * np.sqrt(1.0 + stiffness)
        f0_hz[first : round(end * RATE)] = fundamental
    return f0_hz, audio


INSTRUMENTS = {
    "voices": (voice, (80.0, 131.0, 233.0, 466.0)),
    "clarinet": (reed, (69.0, 147.0, 294.0)),
    "bassoon": (double_reed, (29.1, 58.3, 116.0)),
    "flute, breathy": (flute, (262.0, 587.0, 1175.0)),
    "piccolo and whistling": (whistle, (700.0, 1175.0, 2000.0)),
    "horn": (brass, (62.0, 110.0, 233.0)),
    "strings": (bowed, (41.2, 65.4, 131.0, 196.0, 440.0)),
    "guitar": (plucked, (41.2, 82.4, 165.0, 330.0)),
}


def room(audio, seconds, wet, rng):
    """Adds reverberation that falls by 60 dB in a given time."""
    time = np.arange(round(seconds * RATE)) / RATE
    response = rng.normal(size=time.size) * 10.0 ** (-3.0 * time / seconds)
    response[: round(0.012 * RATE)] = 0.0
    response /= np.sqrt(np.sum(response**2))
    size = audio.size + time.size - 1
    tail = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size), size)
    return audio + wet * tail[: audio.size]


def phone(audio, rng):
    """Limits audio to that of a telephone: 300 to 3400 Hz at 8 kHz, 8 bits."""
    spectrum = np.fft.rfft(audio)
    hz = np.fft.rfftfreq(audio.size, 1.0 / RATE)
    audio = np.fft.irfft(
        spectrum / (1.0 + (300.0 / np.maximum(hz, 1.0)) ** 6) * (hz < 3400), audio.size
    )
    audio = audio / np.abs(audio).max()
    return np.sign(audio) * np.round(127 * np.abs(audio) ** 0.4).clip(0, 127) ** 2.5 / 127**2.5


def recordings(f0_hz, audio, rng) -> Iterator[tuple[str, int, np.ndarray]]:
    """One instrument as different recordings: their names, sample rates and audio."""
    audio = audio / np.abs(audio).max()
    time = np.arange(audio.size) / RATE
    loud = np.sqrt(np.mean(audio[f0_hz > 0] ** 2))
    hum = sum(np.sin(2 * np.pi * 50 * k * time + k) / k for k in (1, 2, 3, 5))
    clicks = np.zeros_like(audio)
    clicks[rng.integers(0, audio.size, audio.size // RATE * 3)] = rng.choice([-1.0, 1.0])
    quiet = 0.02 * audio
    yield "dry", 44100, audio
    yield "small room", 48000, room(audio, 0.5, 0.5, rng)
    yield "hall", 16000, room(audio, 2.0, 0.3, rng)
    yield "hum and hiss", 44100, audio + 0.03 * loud * (hum + rng.normal(size=audio.size))
    yield "DC and clicks", 16000, 0.6 * audio + 0.3 + 0.3 * clicks
    yield "telephone", 8000, phone(audio, rng)
    yield "clipped", 24000, np.clip(4.0 * audio, -1.0, 1.0)
    yield "quiet, 16 bits", 48000, np.round(quiet * 0.1 * 32768) / 32768


def instrument_cases() -> Iterator[tuple[str, str, PitchedSignal]]:
    """Yields all signals with the names of instrument and recording."""
    for number, (name, (play, pitches)) in enumerate(INSTRUMENTS.items()):
        for pitch in pitches:
            rng = np.random.default_rng([number, round(pitch)])
            f0_hz, audio = play(pitch, rng)
            for kind, rate, sound in recordings(f0_hz, audio, rng):
                if kind == "telephone" and f0_hz.max() > 3000:
                    continue
                resampled = soxr.resample(sound, RATE, rate).astype(np.float32)
                positions = np.arange(resampled.size) * (RATE / rate)
                truth = f0_hz[np.minimum(np.round(positions).astype(np.int64), f0_hz.size - 1)]
                yield name, kind, PitchedSignal(resampled, truth, rate)
    for pitch in (82.4, 165.0, 330.0):
        rng = np.random.default_rng(round(pitch))
        f0_hz, audio = plucked(pitch, rng, ringing=True)
        step = RATE // 16000
        yield (
            "guitar, ringing",
            "dry",
            PitchedSignal(
                soxr.resample(audio / np.abs(audio).max(), RATE, 16000).astype(np.float32),
                f0_hz[::step],
                16000,
            ),
        )
