"""Sets of recordings: a folder per instrument, each with `train/` and `val/`."""

from collections.abc import Sequence
from pathlib import Path

import soundfile

from ddsp_tf.app.chain import Chain
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.record import Evaluation

# Measures in the tables, and their headings.
MEASURES = {
    "spectral_loss": "spectral loss",
    "magnitude": "linear part",
    "log_magnitude": "log part",
    "loudness_l1_db": "loudness, dB",
    "f0_l1_semitones": "f0, semitones",
    "f0_outlier_share": "outliers",
    "other_sizes_loss": "other sizes",
    "cepstral_distance_db": "timbre, dB",
    "attack_error_ms": "attacks, ms",
}


def find_sets(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """Finds the sets in a folder.

    Args:
        folder: Folder to look in.
        names: Names of the sets to find; all if empty.

    Returns:
        Their folders.

    Raises:
        UserError: If a name is unknown, or there is no set.
    """
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {p.name: p for p in places if (p / "train").is_dir() and (p / "val").is_dir()}
    unknown = [name for name in names if name not in found]
    if unknown or not found:
        raise UserError(
            f"{folder}: no set {', '.join(unknown)}; found {', '.join(found) or 'none'}; expected "
            "a folder with train/ and val/ for each instrument"
        )
    return [found[name] for name in names or found]


def chain_of(
    one: Path, out: Path, config: str | None, seconds: float | None = None, **options
) -> Chain:
    """Makes the chain that learns a set and is measured on its held-out recordings.

    Args:
        one: Folder of the set.
        out: Folder of the results.
        config: Configuration; None for that of the model to start from.
        seconds: Seconds of the training recordings to learn from, counted from the start; None for
            all.
        **options: Further arguments of `Chain`.
    """
    audio = one / "train"
    if seconds is not None:
        audio = _excerpt(audio, out.parent / f"{one.name}_{seconds:g}s", seconds)
    held_out = {"validation": [one / "val"], "validation_share": 0.0}
    return Chain([audio], out, config=config, **held_out, **options)


def learn(chain: Chain) -> Evaluation:
    """Prepares, trains and evaluates, unless the results exist."""
    chain.prepare()
    chain.train()
    return chain.evaluate()


def table(rows: Sequence[tuple[str, Evaluation]], first: str) -> str:
    """Writes a table in Markdown, with the means in its last row.

    Args:
        rows: Names and evaluations.
        first: Heading of the names.
    """
    numbers = [(name, [one.summary[key] for key in MEASURES]) for name, one in rows]
    means = [sum(column) / len(rows) for column in zip(*(v for _, v in numbers), strict=True)]
    lines = [f"| {first} | {' | '.join(MEASURES.values())} |", "| --- " * (len(MEASURES) + 1) + "|"]
    for name, values in [*numbers, ("mean", means)]:
        lines.append(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join(lines) + "\n"


def _excerpt(source: Path, folder: Path, seconds: float) -> Path:
    """Copies the first seconds of recordings."""
    folder.mkdir(parents=True, exist_ok=True)
    left = seconds
    for path in sorted(source.glob("*.flac")):
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            audio = file.read(round(left * rate))
        soundfile.write(folder / path.name, audio, rate)
        left -= len(audio) / rate
        if left <= 0.5:
            return folder
    raise UserError(f"{source}: holds less than {seconds:g} s")
