"""Composes the melodies of the bundled recordings as bow strokes with pitch and level curves.

Pitches are MIDI note numbers (69 is A4, 440 Hz), times are seconds, levels are dB relative to
the loudest that the instrument plays.
"""

from dataclasses import dataclass, field

import numpy as np

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
RHYTHMS = {  # Beats of the notes in one bar, by the number of beats in the bar.
    3: ((1.5, 0.5, 1), (1, 0.5, 0.5, 1), (2, 1), (0.5, 0.5, 0.5, 0.5, 1), (1, 1, 0.5, 0.5)),
    4: ((2, 1, 1), (1.5, 0.5, 1, 1), (1, 0.5, 0.5, 2), (0.5, 0.5, 1, 0.5, 0.5, 1), (3, 0.5, 0.5)),
}
PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 1, 4, 0), (5, 3, 4, 0), (0, 4, 5, 4))
LOWEST, HIGHEST = 55, 88  # G3 and E6, the range of the violin recording.
WIDEST_SLUR = 5  # Semitones; a sample bent further than that no longer sounds like its instrument.
BOW_CHANGE_S = 0.055  # Silence between two bows, so that no tail sounds under the next note.
ATTACK_S, RELEASE_S = 0.03, 0.07


@dataclass
class Phrase:
    """The plan of a phrase.

    Attributes:
        tonic: Pitch class of the key's first degree, 0 is C.
        scale: Semitones of the degrees above the tonic, `MAJOR` or `MINOR`, or None for a
            chromatic run from the first to the last pitch of `heights`.
        heights: MIDI pitches that the melody passes through, spread evenly over the phrase.
        levels: Levels in dB that it passes through, spread evenly over the phrase.
        style: Articulation: "legato", "detached", "staccato" or "mixed".
        tempo: Beats per minute.
        meter: Beats per bar, 3 or 4; a phrase has four bars.
        rest_s: Silence after the phrase in seconds.
    """

    tonic: int
    scale: tuple[int, ...] | None
    heights: tuple[float, ...]
    levels: tuple[float, ...]
    style: str
    tempo: float
    meter: int = 3
    rest_s: float = 0.4


@dataclass
class Stroke:
    """One bow stroke or breath: a single MIDI note whose pitch is bent from note to note.

    Attributes:
        starts: Start of each slurred note in seconds; the first begins the stroke.
        pitches: MIDI pitch of each slurred note.
        end: Release of the key in seconds.
        times: Times in seconds of the two curves.
        pitch: Sounding MIDI pitch with glides and vibrato at each time.
        level: Level in dB at each time.
    """

    starts: list[float]
    pitches: list[int]
    end: float
    times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    pitch: np.ndarray = field(default_factory=lambda: np.zeros(0))
    level: np.ndarray = field(default_factory=lambda: np.zeros(0))


def melody(phrase: Phrase, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Returns (MIDI pitch, beats) of a phrase: a motif, sequenced over chords, and a cadence."""
    if phrase.scale is None:
        first, last = round(phrase.heights[0]), round(phrase.heights[-1])
        run = list(range(first, last, 1 if last > first else -1))
        return [(pitch, 0.75 if i % 8 == 0 else 0.25) for i, pitch in enumerate(run)] + [(last, 2)]
    rhythms = RHYTHMS[phrase.meter]
    picks = rng.choice(len(rhythms), 2, replace=False)
    motifs = []
    for pick in picks:
        steps = rng.choice([-1, 1, 1, 2, -2], len(rhythms[pick]) - 1)
        motifs.append((rhythms[pick], np.concatenate([[0], np.clip(np.cumsum(steps), -3, 4)])))
    bars = [motifs[0], motifs[0], motifs[1], ((phrase.meter,), np.array([0]))]
    chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    direction = 1 if phrase.heights[-1] >= phrase.heights[0] else -1
    low, high = max(LOWEST, min(phrase.heights) - 4), min(HIGHEST, max(phrase.heights) + 4)
    notes: list[tuple[int, float]] = []
    for bar, ((rhythm, steps), chord) in enumerate(zip(bars, chords, strict=True)):
        degrees = list(phrase.scale)
        if phrase.scale == MINOR and chord == 4:
            degrees[6] = 11  # The dominant of a minor key has the raised leading note.
        ladder = [phrase.tonic + 12 * octave + d for octave in range(10) for d in degrees]
        inside = [i for i, pitch in enumerate(ladder) if low <= pitch <= high]
        tones = [i for i in inside if (i - chord) % 7 in (0, 2, 4)]
        height = np.interp(bar / 3, np.linspace(0, 1, len(phrase.heights)), phrase.heights)
        anchor = min(tones, key=lambda i: abs(ladder[i] - height))
        for beats, step in zip(rhythm, steps, strict=True):
            pitch = ladder[int(anchor + direction * step)]
            if not low <= pitch <= high:  # The motif turns around instead of leaving its register.
                pitch = ladder[int(anchor - direction * step)]
            notes.append((pitch, float(beats)))
    return notes


def strokes_of(
    phrase: Phrase, start: float, rng: np.random.Generator
) -> tuple[list[Stroke], float]:
    """Divides a phrase into strokes.

    Args:
        phrase: The phrase.
        start: Its start in seconds.
        rng: Random generator.

    Returns:
        The strokes, still without curves, and the end of the phrase in seconds.
    """
    strokes: list[Stroke] = []
    notes = melody(phrase, rng)
    clock, room = start, 0
    for i, (pitch, beats) in enumerate(notes):
        # The tempo varies: a little faster inside the phrase, slower towards its end.
        hurry = 1.0 + 0.06 * np.sin(np.pi * i / len(notes)) - 0.1 * (i >= len(notes) - 2)
        length = beats * 60 / phrase.tempo / hurry * rng.uniform(0.97, 1.03)
        style = phrase.style
        if style == "mixed":
            style = "legato" if (i // 3) % 2 == 0 else "detached"
        slur = style == "legato" and room > 0 and strokes
        if slur and 0 < abs(pitch - strokes[-1].pitches[0]) <= WIDEST_SLUR:
            strokes[-1].starts.append(clock)
            strokes[-1].pitches.append(pitch)
            room -= 1
        else:
            strokes.append(Stroke([clock], [pitch], 0.0))
            room = int(rng.integers(1, 5))
        gap = BOW_CHANGE_S
        if style == "detached":
            gap = max(gap, 0.16 * length)
        elif style == "staccato" and beats <= 1:
            gap = max(gap, 0.5 * length)
        clock += length
        strokes[-1].end = clock - gap
    return strokes, clock


def shape_pitch(stroke: Stroke, rng: np.random.Generator) -> np.ndarray:
    """Fills the pitch curve of a stroke: scoop, glides, vibrato.

    Args:
        stroke: The stroke, with its times.
        rng: Random generator.

    Returns:
        The vibrato alone at each time, in semitones.
    """
    t = stroke.times
    pitch = np.full(t.shape, float(stroke.pitches[0]))
    if rng.random() < 0.25:  # Some notes are approached from below.
        since = np.clip((t - t[0]) / rng.uniform(0.06, 0.12), 0, 1)
        pitch -= rng.uniform(0.2, 0.6) * 0.5 * (1 + np.cos(np.pi * since))
    for before, after, when in zip(
        stroke.pitches, stroke.pitches[1:], stroke.starts[1:], strict=False
    ):
        portamento = abs(after - before) >= 3 and rng.random() < 0.5
        glide_s = rng.uniform(0.12, 0.2) if portamento else rng.uniform(0.025, 0.045)
        share = np.clip((t - when) / glide_s + 0.5, 0, 1)
        pitch += (after - before) * 0.5 * (1 - np.cos(np.pi * share))
    drift = np.sin(2 * np.pi * (rng.uniform(0.2, 0.5) * t + rng.random()))
    rate = rng.uniform(4.8, 6.2) + 0.25 * drift  # Hz
    phase = 2 * np.pi * np.cumsum(rate) * (t[1] - t[0])
    vibrato = np.zeros_like(t)
    for begin, stop in zip(stroke.starts, [*stroke.starts[1:], stroke.end], strict=True):
        delay = rng.uniform(0.15, 0.4)
        if stop - begin < delay + 0.25:
            continue  # Too short to begin a vibrato.
        depth = rng.uniform(0.18, 0.4)  # Semitones
        grown = np.clip((t - begin - delay) / rng.uniform(0.25, 0.6), 0, 1)
        faded = np.clip((stop - t) / rng.uniform(0.15, 0.3), 0, 1)
        vibrato += depth * grown * faded * np.sin(phase - np.interp(begin + delay, t, phase))
    stroke.pitch = pitch + vibrato + rng.normal(0, 0.03)  # No player is in tune to the cent.
    return vibrato


def shape_level(
    stroke: Stroke, line: np.ndarray, vibrato: np.ndarray, last: bool, rng: np.random.Generator
) -> None:
    """Fills the level curve of a stroke.

    Args:
        stroke: The stroke, with its times.
        line: Level in dB that the phrase has at each time.
        vibrato: Vibrato in semitones at each time; the level follows it faintly.
        last: Whether the stroke ends its phrase, and so dies away.
        rng: Random generator.
    """
    t = stroke.times
    share = (t - t[0]) / (t[-1] - t[0])
    swell = np.zeros_like(t)
    if t[-1] - t[0] > 0.45:
        size = rng.uniform(2, 6)
        shapes = {"messa di voce": np.sin(np.pi * share) - 0.6, "diminuendo": 0.5 - share}
        shapes["crescendo"] = share - 0.5
        swell = size * shapes[list(shapes)[rng.integers(3)]]
    rising = np.clip((t - t[0]) / ATTACK_S, 0, 1) - 1
    falling = np.clip((stroke.end - t) / (0.35 if last else RELEASE_S), 0, 1) - 1
    level = line + swell + 2.5 * vibrato + 8 * rising + (18 if last else 10) * falling
    stroke.level = np.minimum(level, 0.0)


def perform(
    phrases: list[Phrase], rng: np.random.Generator, step_s: float = 0.005
) -> tuple[list[Stroke], float]:
    """Plays phrases in sequence.

    Args:
        phrases: The phrases.
        rng: Random generator.
        step_s: Distance in seconds of the points of the curves.

    Returns:
        Strokes, none of which begins before the previous one has ended, and the total length in
        seconds.
    """
    clock, performed = 0.25, []
    for phrase in phrases:
        strokes, end = strokes_of(phrase, clock, rng)
        for stroke in strokes:
            stroke.times = np.arange(stroke.starts[0], stroke.end, step_s)
            share = (stroke.times - clock) / (end - clock)
            line = np.interp(share, np.linspace(0, 1, len(phrase.levels)), phrase.levels)
            vibrato = shape_pitch(stroke, rng)
            shape_level(stroke, line, vibrato, stroke is strokes[-1], rng)
        performed += strokes
        clock = end + phrase.rest_s
    return performed, clock
