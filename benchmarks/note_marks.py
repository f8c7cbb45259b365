"""Measures the accuracy of the notes found in recordings: the table of docs/notes.md.

    python benchmarks/note_marks.py --out table.md sax cello violin

Each folder holds audio files and a `notes.csv` with the columns file, start_s, end_s and
nominal_hz, and measured_hz if the notes are not in tune. The bundled recordings are compared with
the score that they were rendered from. F is that of `mir_eval.transcription`: onsets within 50 ms
and pitches within 50 cents; with offsets, also those within 20 % of the note or 50 ms. The
baseline is `segment_notes` of the package swift-f0.
"""

import csv
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import swift_f0
from mir_eval.transcription import match_notes
from note_judges import Notes, notes_from, notes_of
from pitch_trackers import table

sys.path.insert(0, str(Path(__file__).parent / "bundled"))

from composition import perform
from make_recordings import PIECES

from ddsp_tf.app.recordings import recording
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.transcription import transcribe

SEED = 138
SAMPLE_RATE, FRAME_RATE = 16000, 100


def set_of(folder: Path) -> dict[Path, Notes]:
    """Reads the notes of a set, by file."""
    rows: dict[Path, list] = {}
    with open(folder / "notes.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / row["file"]
            path = path if path.exists() else folder.parent / row["file"]
            hz = float(row.get("measured_hz") or row["nominal_hz"])
            rows.setdefault(path, []).append((float(row["start_s"]), float(row["end_s"]), hz))
    return {path: notes_from(notes) for path, notes in rows.items()}


def bundled(name: str) -> dict[Path, Notes]:
    """Composes the score of a bundled recording again."""
    index = list(PIECES).index(name)
    strokes, _ = perform(PIECES[name][1], np.random.default_rng([SEED, index]))
    rows = []
    for stroke in strokes:
        ends = [*stroke.starts[1:], stroke.end]
        for start, end, midi in zip(stroke.starts, ends, stroke.pitches, strict=True):
            rows.append((start, end, 440.0 * 2.0 ** ((midi - 69) / 12)))
    return {recording(name): notes_from(rows)}


@functools.cache
def features_of(path: Path, tracker: str) -> dict[str, np.ndarray]:
    """Measures a recording at 100 frames a second."""
    return FeatureExtractor(SAMPLE_RATE, FRAME_RATE, tracker).extract(read_audio(path, SAMPLE_RATE))


def ours(path: Path, tracker: str, with_audio: bool = True) -> Notes:
    """Finds notes as `ddsp-tf notes` does, or from curves alone."""
    heard = (read_audio(path, SAMPLE_RATE), SAMPLE_RATE) if with_audio else ()
    return notes_of(transcribe(features_of(path, tracker), FRAME_RATE, *heard))


def baseline(path: Path, detector: swift_f0.SwiftF0) -> Notes:
    """Finds notes as the package swift-f0 does."""
    found = swift_f0.segment_notes(detector.detect(read_audio(path, SAMPLE_RATE), SAMPLE_RATE))
    return notes_from([(note.start, note.end, note.pitch_hz) for note in found])


def scores(truth: dict[Path, Notes], find: Callable[[Path], Notes]) -> list[str]:
    """Measures F without and with offsets, over all notes of a set, and counts notes."""
    matched, with_offsets, wanted, found = 0, 0, 0, 0
    for path, notes in truth.items():
        guess = find(path)
        wanted, found = wanted + len(notes.hz), found + len(guess.hz)
        if len(guess.hz):
            matched += len(match_notes(*notes, *guess, offset_ratio=None))
            with_offsets += len(match_notes(*notes, *guess))
    shares = [2.0 * hits / max(wanted + found, 1) for hits in (matched, with_offsets)]
    return [*(f"{share:.3f}" for share in shares), f"{found} of {wanted}"]


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
def main(folders: tuple[Path, ...], out: Path):
    """Write the table of docs/notes.md."""
    finders = {
        "auto": lambda path: ours(path, "auto"),
        "auto, curves only": lambda path: ours(path, "auto", with_audio=False),
        "swift_f0": lambda path: ours(path, "swift_f0"),
        "segment_notes": functools.partial(baseline, detector=swift_f0.SwiftF0(threads=1)),
    }
    sets = {folder.name: set_of(folder) for folder in folders}
    sets |= {f"bundled:{name}": bundled(name) for name in PIECES}
    rows = []
    for name, truth in sets.items():
        for finder, find in finders.items():
            click.echo(f"{name}: {finder}", err=True)
            rows.append([name, finder, *scores(truth, find)])
    text = table(["set", "notes by", "F", "F with offsets", "notes found"], rows)
    out.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
