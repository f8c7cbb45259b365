"""Measures the expression learned from recordings: the tables of docs/notes.md.

    python benchmarks/expression_marks.py --out table.md sax cello violin

Each folder holds recordings in `train/`, from which the expression is learned, and in `val/`, whose
notes are played again: by plain notes, and with the expression. Their curves are compared with the
measured ones. The bundled violin's model also plays the bundled unseen phrase, whose notes are
found again in the sound.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from mir_eval.transcription import match_notes
from note_marks import Notes, notes_from
from pitch_trackers import table

import ddsp_tf
from ddsp_tf.expression.parts import Part
from ddsp_tf.expression.performance import (
    Expression,
    Plain,
    Shapes,
    note_frames,
    perform,
)
from ddsp_tf.expression.recorded import RecordedNotes
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.transcription import Note, transcribe

SAMPLE_RATE, FRAME_RATE = 16000, 100
# A frame further off is an error of the tracker, mostly an octave in an attack.
LARGEST_CENTS = 100.0
SHORTEST_SECONDS = 0.4
VIBRATO_HZ = (3.0, 9.0)
MEASURES = ("vibrato rate", "vibrato extent", "attack time", "level slope")


class Recording(NamedTuple):
    """A recording with its features and notes."""

    audio: np.ndarray
    features: dict[str, np.ndarray]
    notes: list[Note]

    @property
    def shapes(self) -> Shapes:
        """Its measured curves."""
        f0_hz = np.maximum(self.features["f0_hz"].astype(np.float64), 1e-3)
        midi = 69.0 + 12.0 * np.log2(f0_hz / 440.0)
        return Shapes(midi, self.features["loudness_db"].astype(np.float64))


def recording_of(path: Path) -> Recording:
    """Measures a recording and finds its notes."""
    audio = ddsp_tf.read_audio(path, SAMPLE_RATE)
    features = FeatureExtractor(SAMPLE_RATE, FRAME_RATE, "auto").extract(audio)
    return Recording(audio, features, transcribe(features, FRAME_RATE, audio, SAMPLE_RATE))


def errors(recordings: list[Recording], expression: Expression) -> tuple[float, float]:
    """Root mean square of loudness in dB, and of pitch in cents, over all notes."""
    decibels, cents = [], []
    for recording in recordings:
        truth = recording.shapes
        played = expression.shapes(recording.notes, FRAME_RATE, len(truth.midi))
        places = note_frames(recording.notes, FRAME_RATE, len(truth.midi))
        for note, (first, end) in zip(recording.notes, places, strict=True):
            part = slice(first, end)
            decibels.append(played.level_db[part] - truth.level_db[part])
            voiced = recording.features["f0_confidence"][part] >= 0.5
            kept = voiced & (100.0 * np.abs(truth.midi[part] - note.midi) < LARGEST_CENTS)
            cents.append(100.0 * (played.midi[part] - truth.midi[part])[kept])
    rms = [float(np.sqrt(np.mean(np.square(np.concatenate(e))))) for e in (decibels, cents)]
    return rms[0], rms[1]


def habits(recordings: list[Recording], curves: Callable[[Recording], Shapes]) -> np.ndarray:
    """Measures every long note: the values of `MEASURES`, [notes, 4]; NaN where there is none."""
    rows = []
    for recording in recordings:
        shapes = curves(recording)
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


def curve_tables(sets: dict[str, tuple[list[Path], list[Path]]]) -> str:
    """Compares plain notes and learned expression with measured curves."""
    rows, habit_rows = [], []
    for name, (train, held_out) in sets.items():
        click.echo(name, err=True)
        learned = [recording_of(path) for path in train]
        player = RecordedNotes.learn(
            [(one.features, one.audio) for one in learned], FRAME_RATE, SAMPLE_RATE
        )
        unseen = [recording_of(path) for path in held_out]
        plain, ours = errors(unseen, Plain()), errors(unseen, player)
        rows.append([name, str(player.count), *(f"{v:.2f}" for v in (*plain, *ours))])
        truth = habits(unseen, lambda one: one.shapes)
        distances = []
        for expression in (Plain(), player):
            played = habits(unseen, functools.partial(_played, expression=expression))
            distances.append([distance(truth[:, k], played[:, k]) for k in range(len(MEASURES))])
        cells = [f"{flat:.2f} / {shaped:.2f}" for flat, shaped in zip(*distances, strict=True)]
        habit_rows.append([name, str(len(truth)), *cells])
    columns = ("loudness dB, plain", "pitch cents, plain", "loudness dB", "pitch cents")
    return "\n".join(
        [
            "Root mean square error of the curves:\n",
            table(["set", "notes learned", *columns], rows),
            "Two-sample distance of plain notes / of the expression:\n",
            table(["set", "notes", *MEASURES], habit_rows),
        ]
    )


def _played(recording: Recording, expression: Expression) -> Shapes:
    return expression.shapes(recording.notes, FRAME_RATE, len(recording.features["f0_hz"]))


def sound_table() -> str:
    """Plays the unseen phrase with the bundled violin, and finds its notes in the sound again."""
    model = ddsp_tf.instrument("demo_violin")
    player, _ = ddsp_tf.load_player(model)
    phrase = recording_of(ddsp_tf.recording("violin_unseen"))
    part = Part("", tuple(phrase.notes))
    frames = len(phrase.features["f0_hz"])
    curves = {
        "plain notes": perform(part, FRAME_RATE, frames),
        "expression": perform(part, FRAME_RATE, frames, ddsp_tf.load_expression(model)),
        "measured curves": phrase.features,
    }
    loss, rows = ddsp_tf.MultiScaleSpectralLoss(), []
    target = phrase.audio[: frames * player.hop]
    wanted = notes_from([_row(note) for note in phrase.notes])
    for name, own in curves.items():
        audio = np.concatenate(list(ddsp_tf.synthesize(player, own)))
        features = FeatureExtractor(SAMPLE_RATE, FRAME_RATE, "auto").extract(audio)
        heard = transcribe(features, FRAME_RATE, audio, SAMPLE_RATE)
        value = float(loss(target[None], audio[None, : target.size]))
        rows.append([name, f"{_f_measure(wanted, heard):.3f}", f"{value:.2f}"])
    return table(["played from", "F of the notes heard again", "spectral loss"], rows)


def _row(note: Note) -> tuple[float, float, float]:
    return note.onset_s, note.offset_s, 440.0 * 2.0 ** ((note.midi - 69.0) / 12.0)


def _f_measure(wanted: Notes, heard: list[Note]) -> float:
    found = notes_from([_row(note) for note in heard])
    matched = len(match_notes(*wanted, *found, offset_ratio=None)) if heard else 0
    return 2.0 * matched / (len(wanted.hz) + len(found.hz))


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
def main(folders: tuple[Path, ...], out: Path):
    """Write the tables of expression in docs/notes.md."""
    sets = {
        folder.name: tuple(sorted((folder / part).glob("*.flac")) for part in ("train", "val"))
        for folder in folders
    }
    unseen = [ddsp_tf.recording("violin_unseen")]
    sets["bundled:violin"] = ([ddsp_tf.recording("violin")], unseen)
    text = f"{curve_tables(sets)}\nThe unseen phrase, by the bundled violin:\n\n{sound_table()}"
    out.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
