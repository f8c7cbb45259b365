"""Tones that an adapted model plays within and beyond the range that it learned from.

    python benchmarks/instruments/beyond_range.py left_out/adapted_60s/*/run

Steady tones of 1 s in semitone steps, from an octave below the lowest pitches of the training
recordings (5th percentile) to an octave above the highest (95th), at their mean loudness and 12 dB
below. Of every tone, the loudness, the pitch that `auto` finds in it, and the share of noise in its
power are measured.
"""

from pathlib import Path

import click
import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.rendering import render_stems
from ddsp_tf.units import midi_to_hz

_SOFTER_DB = 12.0
# Onset and end of a tone are not measured.
_EDGE_SECONDS = 0.2
_LEAST_CONFIDENCE = 0.5
_HEADINGS = ("tones", "loudness error, dB", "largest", "off pitch", "no pitch", "mostly noise")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runs", nargs=-1, required=True, type=Path)
def main(runs):
    """Print a row for the tones within the range of each run, and one for those beyond it."""
    click.echo(f"| run | range | {' | '.join(_HEADINGS)} |")
    click.echo("| --- " * (len(_HEADINGS) + 2) + "|")
    try:
        for path in runs:
            for place, numbers in _measure(path).items():
                click.echo(f"| {path.parent.name} | {place} | {' | '.join(numbers)} |")
    except UserError as error:
        raise click.ClickException(str(error)) from error


def _measure(path: Path) -> dict[str, list[str]]:
    record = RunDirectory(path).read()
    model = load_model(path)
    extractor = FeatureExtractor.from_description(record["extractor"])
    statistics = record["feature_statistics"]
    low, high = (round(statistics["f0_midi"][name]) for name in ("p5", "p95"))
    pitches = np.arange(low - 12, high + 13)
    rows = [
        (low <= pitch <= high, *_tone(model, extractor, float(pitch), level_db))
        for level_db in (statistics["loudness_db"]["mean"] - offset for offset in (0, _SOFTER_DB))
        for pitch in pitches
    ]
    inside, *measures = map(np.array, zip(*rows, strict=True))
    places = {"learned": inside, "an octave beyond": ~inside}
    return {name: _summary(*(values[at] for values in measures)) for name, at in places.items()}


def _tone(model, extractor, pitch: float, level_db: float) -> tuple[float, float, float]:
    """Plays a tone; returns errors in dB and semitones (NaN: no pitch), and the noise's share."""
    frames, edge = round(model.frame_rate), round(_EDGE_SECONDS * model.frame_rate)
    f0_hz = float(midi_to_hz(pitch))
    curves = {"f0_hz": f0_hz, "loudness_db": level_db}
    stems = render_stems(model, {name: np.full((1, frames), v) for name, v in curves.items()})
    features = extractor.extract(stems["reconstruction"][0])
    found = {name: values[edge:-edge] for name, values in features.items()}
    voiced = found["f0_hz"][found["f0_confidence"] >= _LEAST_CONFIDENCE]
    has_pitch = 2 * len(voiced) > frames - 2 * edge
    semitones = 12.0 * np.log2(np.median(voiced) / f0_hz) if has_pitch else np.nan
    power = {name: float(np.mean(np.square(stems[name]))) for name in ("harmonic", "noise")}
    share = power["noise"] / max(sum(power.values()), 1e-12)
    return float(np.mean(found["loudness_db"])) - level_db, semitones, share


def _summary(loudness_db, semitones, noise) -> list[str]:
    numbers = [f"{len(noise)}", *(f"{f(np.abs(loudness_db)):.2f}" for f in (np.mean, np.max))]
    counts = (np.abs(semitones) > 0.5, np.isnan(semitones), noise > 0.5)
    return [*numbers, *(f"{int(np.sum(found))}" for found in counts)]


if __name__ == "__main__":
    main()
