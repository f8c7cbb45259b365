"""Measures the expression learned from recordings: the tables of docs/notes.md.

    python benchmarks/expression_marks.py --out table.md sax cello violin

Each folder holds recordings in `train/`, from which the expression is learned, and in `val/`, whose
notes are played again: plain, as the nearest recorded notes, and with network and recorded notes.
Their curves are compared with the measured ones, and so are two takes of the same note by the
player. With `--steps`, half of the notes in `train/` is predicted from the other half: after so
many steps from random weights, and as runs learn it, from other players if there are few notes.
"""

import itertools
import time
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from keras import ops
from pitch_trackers import table

import ddsp_tf
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.network import NoteNetwork
from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.expression.performance import (
    Expression,
    Plain,
    Shapes,
    note_frames,
)
from ddsp_tf.expression.phrases import Phrase, note_facts
from ddsp_tf.expression.recorded import RecordedNotes, warp
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.transcription import Note
from ddsp_tf.training.note_network import learn_player, new_note_network, train_note_network

SAMPLE_RATE, FRAME_RATE = 16000, 100
# A frame further off is an error of the tracker, mostly an octave in an attack.
LARGEST_CENTS = 100.0
SHORTEST_SECONDS = 0.4
# Number of times that each learned player plays, because much of it is chosen at random.
SEEDS = range(4)
VIBRATO_HZ = (3.0, 9.0)
MEASURES = ("vibrato rate", "vibrato extent", "attack time", "level slope")


class Recording(NamedTuple):
    """A recording with its features and notes."""

    audio: np.ndarray
    features: dict[str, np.ndarray]
    phrase: Phrase

    @property
    def notes(self) -> list[Note]:
        """Its notes."""
        return list(self.phrase.notes)

    @property
    def shapes(self) -> Shapes:
        """Its measured curves."""
        return Shapes(self.phrase.midi, self.phrase.level_db)


def recording_of(path: Path) -> Recording:
    """Measures a recording and finds its notes."""
    audio = ddsp_tf.read_audio(path, SAMPLE_RATE)
    features = FeatureExtractor(SAMPLE_RATE, FRAME_RATE, "auto").extract(audio)
    return Recording(audio, features, Phrase.of(features, FRAME_RATE, audio, SAMPLE_RATE))


def errors(recordings: list[Recording], expression: Expression) -> tuple[float, float]:
    """Root mean square of loudness in dB, and of pitch in cents, over all notes."""
    decibels, cents = [], []
    for recording, seed in itertools.product(recordings, SEEDS):
        truth = recording.shapes
        played = expression.shapes(recording.notes, FRAME_RATE, len(truth.midi), seed)
        places = note_frames(recording.notes, FRAME_RATE, len(truth.midi))
        for note, (first, end) in zip(recording.notes, places, strict=True):
            part = slice(first, end)
            decibels.append(played.level_db[part] - truth.level_db[part])
            voiced = recording.features["f0_confidence"][part] >= 0.5
            kept = voiced & (100.0 * np.abs(truth.midi[part] - note.midi) < LARGEST_CENTS)
            cents.append(100.0 * (played.midi[part] - truth.midi[part])[kept])
    rms = [float(np.sqrt(np.mean(np.square(np.concatenate(e))))) for e in (decibels, cents)]
    return rms[0], rms[1]


def takes(recordings: list[Recording]) -> list[str]:
    """Compares notes of one pitch, connection, length (25 %) and level (3 dB) with each other.

    Returns:
        Number of pairs, and root mean square of loudness in dB and of pitch in cents between them.
    """
    found, decibels, cents = [], [], []
    for recording in recordings:
        moves = recording.phrase.moves(FRAME_RATE)
        for k, (_, level, pitch) in enumerate(moves):
            new = (np.array(note_facts(recording.notes, k)), level, pitch)
            for facts, other_level, other_pitch in found:
                off = np.abs(facts - new[0])
                ratio = abs(np.log2(len(level) / len(other_level)))
                if round(facts[0]) != round(new[0][0]) or off[1] > 3.0 or ratio > np.log2(1.25):
                    continue
                if off[2:4].any():
                    continue
                decibels.append(level - warp(other_level, len(level), FRAME_RATE))
                difference = pitch - warp(other_pitch, len(level), FRAME_RATE)
                cents.append(difference[np.isfinite(difference)])
            found.append(new)
    if not decibels:
        return ["0", "", ""]
    rms = [float(np.sqrt(np.mean(np.square(np.concatenate(e))))) for e in (decibels, cents)]
    return [str(len(decibels)), f"{rms[0]:.1f}", f"{rms[1]:.1f}"]


def habits(recordings: list[Recording], expression: Expression | None) -> np.ndarray:
    """Measures every long note, as recorded or as an expression plays it.

    Returns:
        The values of `MEASURES`, [notes, 4]; NaN where there is none.
    """
    rows = []
    for recording, seed in itertools.product(recordings, SEEDS if expression else (0,)):
        shapes, frames = recording.shapes, len(recording.phrase.midi)
        if expression is not None:
            shapes = expression.shapes(recording.notes, FRAME_RATE, frames, seed)
        for first, end in note_frames(recording.notes, FRAME_RATE, len(shapes.midi)):
            if end - first >= SHORTEST_SECONDS * FRAME_RATE:
                rows.append(_habit(shapes.midi[first:end], shapes.level_db[first:end]))
    return np.array(rows).reshape(-1, len(MEASURES))


def _habit(midi: np.ndarray, level_db: np.ndarray) -> list[float]:
    edge = round(0.1 * FRAME_RATE)
    inside = slice(edge, -edge)
    times = np.arange(midi[inside].size) / FRAME_RATE
    cents = 100.0 * (midi[inside] - np.median(midi))
    cents = np.clip(cents - np.polyval(np.polyfit(times, cents, 1), times), -100.0, 100.0)
    window = np.hanning(cents.size)
    spectrum = np.abs(np.fft.rfft(window * cents, 1024)) / (0.5 * window.sum())
    hz = np.fft.rfftfreq(1024, 1.0 / FRAME_RATE)
    band = (hz >= VIBRATO_HZ[0]) & (hz <= VIBRATO_HZ[1])
    extent = float(spectrum[band].max())
    rate = float(hz[band][spectrum[band].argmax()]) if extent > 5.0 else np.nan
    loud = np.percentile(level_db, 90)
    attack = float(np.argmax(level_db >= loud - 6.0)) / FRAME_RATE
    slope = float(np.polyfit(times, level_db[inside], 1)[0])
    return [rate, extent, attack, slope]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Two-sample Kolmogorov-Smirnov distance; 1 if one of them has no values."""
    one, other = (values[np.isfinite(values)] for values in (one, other))
    if not one.size or not other.size:
        return float(one.size != other.size)
    every = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(v), every, side="right") / v.size for v in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def by_chance(values: np.ndarray, count: int) -> float:
    """Distance of as many values, or half of them, to the others: one draw in 20 exceeds it."""
    generator, count = np.random.default_rng(0), min(count, len(values) // 2)
    draws = (generator.permutation(values) for _ in range(1000))
    return float(np.percentile([distance(one[:count], one[count:]) for one in draws], 95.0))


def trained(phrases: list[Phrase], steps: int | None = None) -> NoteNetwork:
    """Trains a network on phrases; by default as runs do."""
    network = new_note_network(seed=0)
    if steps is None:
        learn_player(network, phrases, FRAME_RATE)
    else:
        train_note_network(network, phrases, FRAME_RATE, steps)
    return network


def error_of_halves(phrases: list[Phrase], steps: int | None) -> float:
    """Root mean square in dB of notes that a network predicts after training on the other half."""
    found = []
    for half in range(2):
        network = trained(phrases[1 - half :: 2], steps)
        for phrase in phrases[half::2]:
            curves = note_curves(phrase.notes, FRAME_RATE, phrase.midi.size)
            predicted = ops.convert_to_numpy(network(curves[None])[0])[0, :, 0]
            found += [level - predicted[own] for own, level, _ in phrase.moves(FRAME_RATE)]
    return float(np.sqrt(np.mean(np.square(np.concatenate(found)))))


def steps_table(sets: dict[str, tuple[list[Path], list[Path]]], steps: tuple[int, ...]) -> str:
    """Compares numbers of steps on the training phrases."""
    rows = []
    for name, (train, _) in sets.items():
        click.echo(name, err=True)
        phrases = [recording_of(path).phrase for path in train]
        notes = sum(len(phrase.notes) for phrase in phrases) // 2
        errors = (error_of_halves(phrases, count) for count in (*steps, None))
        rows.append([name, str(notes), *(f"{value:.2f}" for value in errors)])
    return table(
        ["set", "notes of a half", *(f"{count} steps" for count in steps), "as runs learn it"], rows
    )


def curve_tables(sets: dict[str, tuple[list[Path], list[Path]]]) -> str:
    """Compares plain notes and learned expressions with measured curves."""
    decibels, cents, distances = [], [], []
    for name, (train, held_out) in sets.items():
        click.echo(name, err=True)
        learned = [recording_of(path) for path in train]
        phrases = [one.phrase for one in learned]
        start = time.process_time()
        network = trained(phrases)
        seconds = time.process_time() - start
        nearest = RecordedNotes.learn(phrases, FRAME_RATE)
        players = [Plain(), nearest, LearnedExpression.of(network, phrases, FRAME_RATE)]
        unseen = [recording_of(path) for path in held_out]
        pairs = [errors(unseen, player) for player in players]
        count, take_db, take_cents = takes([*learned, *unseen])
        notes = [name, str(nearest.count), f"{seconds:.0f}", count]
        decibels.append([*notes, take_db, *(f"{pair[0]:.2f}" for pair in pairs)])
        cents.append([name, take_cents, *(f"{pair[1]:.1f}" for pair in pairs)])
        truth, own = habits(unseen, None), habits(learned, None)
        columns = [
            [distance(truth[:, k], others[:, k]) for k in range(len(MEASURES))]
            for others in (*(habits(unseen, player) for player in players), own)
        ]
        columns.append([by_chance(own[:, k], len(truth)) for k in range(len(MEASURES))])
        cells = [" / ".join(f"{v:.2f}" for v in values) for values in zip(*columns, strict=True)]
        distances.append([name, str(len(truth)), *cells])
    kinds = ("two takes", "plain", "nearest note", "with network")
    return "\n".join(
        [
            "Loudness, root mean square error in dB:\n",
            table(["set", "notes learned", "CPU seconds", "pairs of takes", *kinds], decibels),
            "Pitch, in cents:\n",
            table(["set", *kinds], cents),
            "Two-sample distance of plain notes / nearest notes / with network / notes learned / "
            "by chance:\n",
            table(["set", "notes", *MEASURES], distances),
        ]
    )


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
@click.option("--steps", multiple=True, type=int, help="Compare such numbers of steps instead.")
def main(folders: tuple[Path, ...], out: Path, steps: tuple[int, ...]):
    """Write the tables of expression in docs/notes.md."""
    sets = {
        folder.name: tuple(sorted((folder / part).glob("*.flac")) for part in ("train", "val"))
        for folder in folders
    }
    if steps:
        text = steps_table(sets, steps)
    else:
        unseen = [ddsp_tf.recording("violin_unseen")]
        sets["demo_violin"] = ([ddsp_tf.recording("violin")], unseen)
        text = curve_tables(sets)
    out.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
