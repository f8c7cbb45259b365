"""Measures the default pitch tracker and others against the marks in docs/features.md.

    python benchmarks/pitch_marks.py --out table.md sax cello violin

Each folder holds audio files and a `notes.csv` with the columns file, start_s, end_s and
nominal_hz, and measured_hz if the notes are not in tune. Pitch is tracked and refined as
`prepare` does it, 100 frames a second. A synthetic frame counts where the truth has been voiced, or
unvoiced, and free of jumps for 40 ms at each side; a frame of a recording from 80 ms after a note's
start to 160 ms before its end. Pitch is compared whatever the confidence. The table of confidence
takes whole notes of recordings, from 20 ms after the start to 40 ms before the end.
"""

import csv
import itertools
from pathlib import Path

import click
import numpy as np
import soundfile
from pitch_cases import cases
from pitch_instruments import instrument_cases
from pitch_signals import PitchedSignal
from pitch_trackers import counted, table

from ddsp_tf.features.pitch import PitchTracker, pitch_tracker
from ddsp_tf.features.refinement import refine_f0

FRAME_RATE = 100
RIGHT_NOTE = 0.9
# Frames left out at the start and the end of a note.
INTERIOR, WHOLE = (8, 16), (2, 4)
CONFIDENCES = np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.001])
CALIBRATION_SNRS_DB = (0.0, -5.0, -10.0)


def measured(tracker: PitchTracker, audio: np.ndarray, sample_rate: int):
    """Tracks and refines: f0_hz and f0_confidence [frames]."""
    hop = sample_rate // FRAME_RATE
    f0_hz, confidence = tracker.track(audio, sample_rate, hop)
    return refine_f0(audio, f0_hz, confidence, sample_rate, hop), confidence


def cents_off(f0_hz: np.ndarray, truth_hz: np.ndarray | float) -> np.ndarray:
    """Distance in cents; large where no pitch was found."""
    return 1200.0 * np.abs(np.log2(np.maximum(f0_hz, 1e-3) / truth_hz))


class Counts:
    """Counts over the frames of some signals: deviations, voiced frames and false alarms."""

    def __init__(self):
        self.parts = {"cents": [], "voiced": [], "alarm": []}

    def add(self, cents, voiced, alarm) -> None:
        """Adds the frames of one signal."""
        for name, values in zip(self.parts, (cents, voiced, alarm), strict=True):
            self.parts[name].append(values)

    def cells(self) -> list[str]:
        """Writes RPA50, RPA10, recall and false alarms."""
        cents, voiced, alarm = (np.concatenate(part) for part in self.parts.values())
        columns = (cents < 50, cents < 10, voiced, alarm)
        return [f"{np.mean(values):.4f}" if values.size else "" for values in columns]


def synthetic_table(made: list[tuple[str, str, PitchedSignal]], trackers: dict[str, PitchTracker]):
    """Compares the trackers on signals of known pitch, by both of their names."""
    rows = []
    for name, tracker in trackers.items():
        click.echo(f"{name}: synthetic", err=True)
        counts = {"all": Counts()}
        for kind, recording, signal in made:
            f0_hz, confidence = measured(tracker, signal.audio, signal.sample_rate)
            truth = signal.frames(signal.sample_rate // FRAME_RATE)[: f0_hz.size]
            voiced, unvoiced = counted(truth)
            cents = cents_off(f0_hz[voiced], truth[voiced])
            sure = confidence >= 0.5
            for group in ("all", kind, recording):
                counts.setdefault(group, Counts()).add(cents, sure[voiced], sure[unvoiced])
        rows += [[group, name, *count.cells()] for group, count in counts.items()]
    groups = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: groups.index(row[0]))
    return table(["signals", "tracker", "RPA50", "RPA10", "recall", "false alarm"], rows)


def note_list(
    folder: Path, left_out: tuple[int, int] = INTERIOR
) -> dict[Path, list[tuple[int, int, float, str]]]:
    """Reads a set's notes, by file: first and last frame that count, pitch in Hz, name."""
    notes = {}
    with open(folder / "notes.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / row["file"]
            path = path if path.exists() else folder.parent / row["file"]
            first = round(FRAME_RATE * float(row["start_s"])) + left_out[0]
            last = round(FRAME_RATE * float(row["end_s"])) - left_out[1]
            hz = float(row.get("measured_hz") or row["nominal_hz"])
            if last > first:
                notes.setdefault(path, []).append((first, last, hz, row["source"]))
    return notes


def recordings_table(folders: list[Path], trackers: dict[str, PitchTracker]) -> str:
    """Compares the trackers on the notes of recordings."""
    rows = []
    for folder in folders:
        notes = note_list(folder)
        for name, tracker in trackers.items():
            click.echo(f"{name}: {folder.name}", err=True)
            cents, voiced, right = [], [], []
            for path, parts in notes.items():
                audio, sample_rate = soundfile.read(path, dtype="float32")
                f0_hz, confidence = measured(tracker, audio, sample_rate)
                for first, last, hz, source in parts:
                    cents.append(cents_off(f0_hz[first:last], hz))
                    voiced.append(confidence[first:last] >= 0.5)
                    right.append(np.mean(cents[-1] < 50) > RIGHT_NOTE)
                    if not right[-1]:
                        start = first / FRAME_RATE
                        click.echo(f"  {path.name} {start:.1f} s, {hz:.0f} Hz: {source}", err=True)
            off = np.concatenate(cents)
            shares = (np.mean(off < 50), np.mean(off < 25), np.mean(np.concatenate(voiced)))
            cells = [f"{share:.4f}" for share in shares]
            rows.append([folder.name, name, *cells, f"{sum(right)} of {len(right)}"])
    return table(["set", "tracker", "50 cents", "25 cents", "voiced", "notes right"], rows)


def hum_table(folders: list[Path], tracker: PitchTracker) -> str:
    """Measures how often mains hum is taken for notes, in rests of one recording per set."""
    rows = []
    for mains_hz, below_db in itertools.product((50.0, 60.0), (np.inf, 45.0, 30.0)):
        cents, voiced, alarm = [], [], []
        for folder in folders:
            path, parts = list(note_list(folder).items())[-1]
            audio, sample_rate = soundfile.read(path, dtype="float32")
            cycles = mains_hz * np.arange(audio.size) / sample_rate
            hum = sum(np.sin(2 * np.pi * k * cycles + k) / k for k in (1, 2, 3, 5))
            hum *= audio.std() / hum.std() * 10.0 ** (-below_db / 20.0)
            f0_hz, confidence = measured(tracker, (audio + hum).astype(np.float32), sample_rate)
            rest = np.full(f0_hz.size, True)
            for first, last, hz, _ in parts:
                # From 130 ms before to 80 ms after the note.
                rest[max(first - 21, 0) : last + 24] = False
                cents.append(cents_off(f0_hz[first:last], hz))
                voiced.append(confidence[first:last] >= 0.5)
            alarm.append(confidence[rest] >= 0.5)
        cells = (np.concatenate(cents) < 50, np.concatenate(voiced), np.concatenate(alarm))
        level = "none" if np.isinf(below_db) else f"{mains_hz:g} Hz, {-below_db:g} dB"
        rows.append([level, *(f"{np.mean(values):.4f}" for values in cells)])
    return table(["hum", "50 cents", "voiced", "false alarm"], rows[:3] + rows[4:])


def calibration_table(folders: list[Path], tracker: PitchTracker) -> str:
    """Measures the share of correct frames, by confidence."""
    synthetic = []
    for _, _, signal in cases():
        f0_hz, confidence = measured(tracker, signal.audio, signal.sample_rate)
        synthetic.append(judged(f0_hz, confidence, signal.frames(signal.sample_rate // FRAME_RATE)))
    sources = {"synthetic": synthetic, "recordings": [], "recordings in noise": []}
    rng = np.random.default_rng(5)
    for folder in folders:
        for path, parts in note_list(folder, WHOLE).items():
            audio, sample_rate = soundfile.read(path, dtype="float32")
            f0_hz, confidence = measured(tracker, audio, sample_rate)
            sources["recordings"] += judged_notes(f0_hz, confidence, parts)
        for number, (path, parts) in enumerate(list(note_list(folder).items())[::4]):
            audio, sample_rate = soundfile.read(path, dtype="float32")
            snr_db = CALIBRATION_SNRS_DB[number % len(CALIBRATION_SNRS_DB)]
            noise = audio.std() * 10.0 ** (-snr_db / 20.0) * rng.normal(size=audio.size)
            f0_hz, confidence = measured(tracker, (audio + noise).astype(np.float32), sample_rate)
            sources["recordings in noise"] += judged_notes(f0_hz, confidence, parts)
    return confidence_table(sources)


def judged(f0_hz: np.ndarray, confidence: np.ndarray, truth: np.ndarray):
    """Confidence of the frames of a synthetic signal, and whether they are correct."""
    kept = np.any(counted(truth), axis=0)
    right = (cents_off(f0_hz, np.maximum(truth, 1e-3)) < 50) & (truth > 0)
    return confidence[kept], right[kept]


def judged_notes(f0_hz: np.ndarray, confidence: np.ndarray, notes: list[tuple]):
    """Confidence of the frames of every note of a recording, and whether they are correct."""
    return [
        (confidence[first:last], cents_off(f0_hz[first:last], hz) < 50)
        for first, last, hz, *_ in notes
    ]


def confidence_table(sources: dict[str, list[tuple[np.ndarray, np.ndarray]]]) -> str:
    """Compares confidence with the share of correct frames, by source."""
    rows = []
    for name, parts in sources.items():
        if not parts:
            continue
        confidence, right = map(np.concatenate, zip(*parts, strict=True))
        which = np.digitize(confidence, CONFIDENCES) - 1
        for band in range(len(CONFIDENCES) - 1):
            inside = which == band
            if inside.any():
                ends = f"{CONFIDENCES[band]:g} to {min(CONFIDENCES[band + 1], 1):g}"
                means = [f"{np.mean(values[inside]):.2f}" for values in (confidence, right)]
                rows.append([name, ends, *means, str(inside.sum())])
    return table(["frames", "confidence", "mean confidence", "share right", "number"], rows)


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
@click.option("--trackers", default="auto,swift_f0,yin", help="Names, separated by commas.")
def main(folders: tuple[Path, ...], out: Path, trackers: str):
    """Write the tables of marks in docs/features.md."""
    made = {name: pitch_tracker(name) for name in trackers.split(",")}
    first = next(iter(made))
    marked = [
        (kind, "clean" if np.isinf(snr_db) else f"{snr_db:g} dB", signal)
        for kind, snr_db, signal in cases()
    ]
    parts = ["Synthetic:\n\n" + synthetic_table(marked, made)]
    click.echo(parts[-1])
    parts.append("Imitated instruments:\n\n" + synthetic_table(list(instrument_cases()), made))
    click.echo(parts[-1])
    if folders:
        parts.append("Recordings:\n\n" + recordings_table(list(folders), made))
        click.echo(parts[-1])
        parts.append(f"Hum, {first}:\n\n" + hum_table(list(folders), made[first]))
        click.echo(parts[-1])
    confidence = calibration_table(list(folders), made[first])
    parts.append(f"Confidence of {first}:\n\n{confidence}")
    click.echo(parts[-1])
    out.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
