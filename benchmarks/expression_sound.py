"""Measures the sound of notes that bundled instruments play: a table of docs/notes.md.

    python benchmarks/expression_sound.py --out table.md sax cello violin

Each folder holds recordings in `val/`, which the bundled instrument of its name was not trained on;
that of the bundled recordings is demo_violin. Their notes are played plain, with the expression of
the instrument's player, and from the measured curves. In each sound, and in the recordings
themselves, the notes are detected again. The spectral loss between each sound and the recording is
measured, and how far the expression goes from plain notes towards measured curves.
"""

import sys
from pathlib import Path

import click
import numpy as np
from expression_marks import SAMPLE_RATE, Recording, recording_of
from note_judges import f_measure, judges, notes_of, precision, recall
from pitch_trackers import table

sys.path.insert(0, str(Path(__file__).parent / "bundled"))
from make_instruments import NAMES

import ddsp_tf
from ddsp_tf.expression.parts import Part
from ddsp_tf.expression.performance import perform

KINDS = ("plain notes", "with expression", "measured curves")


def sounds(recording: Recording, model: Path) -> dict[str, np.ndarray]:
    """Plays the notes of a recording, by kind of the curves."""
    player, extractor = ddsp_tf.load_player(model)
    measured = extractor.extract(recording.audio)
    part, rate = Part("", tuple(recording.notes)), player.frame_rate
    frames = len(measured["f0_hz"])
    learned = perform(part, rate, frames, ddsp_tf.load_expression(model))
    curves = perform(part, rate, frames), learned, measured
    return {
        kind: np.concatenate(list(ddsp_tf.synthesize(player, own)))
        for kind, own in zip(KINDS, curves, strict=True)
    }


def row(name: str, model: Path, recordings: list[Recording]) -> list[str]:
    """Measures the sounds of one instrument: F by each judge, and spectral loss, by kind.

    For the recordings themselves, recall and precision are in parentheses.
    """
    player, _ = ddsp_tf.load_player(model)
    played = [sounds(one, model) for one in recordings]
    wanted, loss = [notes_of(one.notes) for one in recordings], ddsp_tf.MultiScaleSpectralLoss()
    cells = [name, str(sum(len(one.hz) for one in wanted))]
    for judge in judges().values():
        heard = {kind: [judge(one[kind], player.sample_rate) for one in played] for kind in KINDS}
        cells.append(" / ".join(f"{f_measure(wanted, heard[kind]):.3f}" for kind in KINDS))
        own = [judge(one.audio, SAMPLE_RATE) for one in recordings]
        shares = [measure(wanted, own) for measure in (f_measure, recall, precision)]
        cells.append("{:.3f} ({:.2f}, {:.2f})".format(*shares))
    losses = []
    for kind in KINDS:
        values, weights = [], []
        for one, audio in zip(recordings, played, strict=True):
            size = min(len(one.audio), len(audio[kind]))
            values.append(float(loss(one.audio[None, :size], audio[kind][None, :size])))
            weights.append(size)
        losses.append(float(np.average(values, weights=weights)))
    plain, expressive, measured = losses
    way = (plain - expressive) / (plain - measured)
    return [*cells, *(f"{value:.2f}" for value in losses), f"{100.0 * way:.0f} %"]


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
def main(folders: tuple[Path, ...], out: Path):
    """Write the table of sounds in docs/notes.md."""
    sets = {"demo_violin": [ddsp_tf.recording("violin_unseen")]}
    for one in folders:
        sets[NAMES.get(one.name, one.name)] = sorted((one / "val").glob("*.flac"))
    rows = []
    for name, paths in sets.items():
        recordings = [recording_of(path) for path in paths]
        rows.append(row(name, ddsp_tf.instrument(name), recordings))
        click.echo(" | ".join(rows[-1]), err=True)
    heads = [f"F by {judge}{of}" for judge in judges() for of in ("", ", recordings")]
    losses = [f"loss, {kind}" for kind in KINDS]
    text = table(["instrument", "notes", *heads, *losses, "way"], rows)
    out.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
