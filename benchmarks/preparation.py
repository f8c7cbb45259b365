"""Measures `ddsp-tf prepare`: speed, memory, and the accuracy of pitch trackers on known notes.

    python benchmarks/preparation.py recordings/                    # speed and memory
    python benchmarks/preparation.py sax/ --notes sax/notes.csv     # and pitch, note by note
    python benchmarks/preparation.py --hours 3                      # one recording made for it

Every tracker prepares the recordings in a separate command, including the start of the program.
"""

import csv
import tempfile
from pathlib import Path

import click
import numpy as np
import soundfile
from machine import describe_machine
from measured_command import measure

from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.segments import read_segments

# Notes may overlap by 60 ms, and end in a fade of up to 160 ms.
AFTER_START, BEFORE_END = 0.08, 0.16


def prepare(recordings: list[Path], out: Path, tracker: str, jobs: int | None):
    """Runs the command in a process of its own; returns seconds, and the largest memory in MiB."""
    options = ["--out", out, "--set", f"FeatureExtractor.pitch_tracker={tracker}"]
    options += ["--jobs", jobs] if jobs else []
    return measure("prepare", *options, "--", *recordings)


def make_recording(path: Path, hours: float, sample_rate: int = 48000):
    """Writes a recording of notes of half a second, in stereo, a minute at a time."""
    generator = np.random.default_rng(0)
    moment = np.arange(60 * sample_rate) / sample_rate
    with soundfile.SoundFile(path, "w", sample_rate, 2, "PCM_16") as file:
        for _ in range(round(60 * hours)):
            hz = 440.0 * 2.0 ** (generator.integers(-14, 10, 120) / 12.0)
            phase = 2.0 * np.pi * np.cumsum(np.repeat(hz, sample_rate // 2)) / sample_rate
            tone = sum(np.sin(number * phase) / number**1.5 for number in range(1, 7))
            tone = 0.2 * tone * np.sin(np.pi * (2.0 * moment % 1.0)) ** 0.5
            file.write(np.stack([tone, 0.8 * tone], axis=1))


def note_errors(manifest: Manifest, notes: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Compares a dataset with a list of notes; gives cents and confidence of each note's frames."""
    with open(notes, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rate, found = manifest.frame_rate, []
    for file in manifest.files:
        segments = list(read_segments(manifest, file))
        f0_hz, confidence = (
            np.concatenate([arrays[name] for _, arrays in segments])
            for name in ("f0_hz", "f0_confidence")
        )
        begin = segments[0][0]
        for row in (row for row in rows if row["file"].endswith(file.source)):
            first = round((float(row["start_s"]) + AFTER_START) * rate) - begin
            last = round((float(row["end_s"]) - BEFORE_END) * rate) - begin
            inside = slice(max(first, 0), max(last, 0))
            nominal_hz = float(row["nominal_hz"])
            cents = 1200.0 * np.abs(np.log2(np.maximum(f0_hz[inside], 1e-3) / nominal_hz))
            if cents.size:
                found.append((cents, confidence[inside]))
    return found


def agreement(errors: list[tuple[np.ndarray, np.ndarray]]) -> list[str]:
    """Writes how often the pitch is right, in cells of a table."""
    cents = np.concatenate([part[0] for part in errors])
    sure = np.concatenate([part[1] for part in errors]) >= 0.5
    right = sum(np.mean(part[0] < 50.0) > 0.9 for part in errors)
    shares = (cents < 50.0, cents < 25.0, sure)
    within_50, within_25, voiced = (f"{100.0 * np.mean(share):.1f}" for share in shares)
    return [within_50, within_25, f"{np.median(cents):.1f}", voiced, f"{right} of {len(errors)}"]


@click.command(help=__doc__.splitlines()[0])
@click.argument("recordings", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--hours", type=float, help="Length of a recording to make and prepare as well.")
@click.option("--notes", type=click.Path(exists=True, path_type=Path), help="CSV of known notes.")
@click.option("--tracker", "trackers", multiple=True, help="Such as 'yin', quotes included.")
@click.option("--jobs", type=int, help="Recordings at a time; default one for each processor.")
def main(recordings, hours, notes, trackers, jobs):
    """Prepares with each tracker, and prints a table."""
    if not recordings and not hours:
        raise click.UsageError("expected recordings or --hours")
    with tempfile.TemporaryDirectory() as folder:
        recordings = list(recordings)
        if hours:
            recordings.append(Path(folder, "long.wav"))
            make_recording(recordings[-1], hours)
        header = ["tracker", "minutes", "seconds", "times real time", "MiB"]
        if notes:
            header += ["50 cents, %", "25 cents, %", "median, cents", "voiced, %", "notes right"]
        click.echo(", ".join(describe_machine().values()) + "\n")
        click.echo("| " + " | ".join(header) + " |")
        click.echo("| --- |" + " ---: |" * (len(header) - 1))
        for tracker in trackers or ("'auto'",):
            seconds, mebibytes = prepare(recordings, Path(folder, "dataset"), tracker, jobs)
            manifest = load_manifest(Path(folder, "dataset"))
            given = sum(recording.seconds for recording in manifest.recordings)
            row = [tracker, f"{given / 60.0:.1f}", f"{seconds:.1f}", f"{given / seconds:.0f}"]
            row.append(f"{mebibytes:.0f}")
            row += agreement(note_errors(manifest, notes)) if notes else []
            click.echo("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
