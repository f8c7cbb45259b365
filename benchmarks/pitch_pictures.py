"""Draws pitch over the spectrogram for the worst ten seconds of sets of known notes.

    python benchmarks/pitch_pictures.py --out pictures sax cello violin

The sets are those of `pitch_marks.py`. Notes are drawn as they are counted there, from 80 ms after
their start to 160 ms before their end. The worst ten seconds hold the most frames that are off by
more than 50 cents; if there are none, the most unvoiced ones.
"""

from pathlib import Path

import click
import matplotlib
import matplotlib.mlab
import numpy as np
import soundfile

matplotlib.use("Agg")
from matplotlib import pyplot
from pitch_marks import FRAME_RATE, cents_off, measured, note_list

from ddsp_tf.features.pitch import PitchTracker, pitch_tracker

SECONDS = 10.0
WINDOW_SECONDS = 0.06
DYNAMICS_DB = 70.0


def worst(folder: Path, tracker: PitchTracker):
    """Finds the worst ten seconds of a set: path, first frame, notes, pitch and confidence."""
    size, candidates = round(SECONDS * FRAME_RATE), []
    for path, notes in note_list(folder).items():
        audio, sample_rate = soundfile.read(path, dtype="float32")
        f0_hz, confidence = measured(tracker, audio, sample_rate)
        wrong = np.zeros(f0_hz.size)
        for first, last, hz, _ in notes:
            off = cents_off(f0_hz[first:last], hz) > 50
            wrong[first:last] += off + 1e-3 * (confidence[first:last] < 0.5)
        sums = np.convolve(wrong, np.ones(size))[: max(f0_hz.size, size)]
        first = max(0, int(sums.argmax()) + 1 - size)
        candidates.append((float(sums.max()), path, first, notes, f0_hz, confidence))
    return max(candidates, key=lambda candidate: candidate[0])


def draw(axes, path: Path, start: int, notes, f0_hz: np.ndarray, confidence: np.ndarray) -> None:
    """Draws ten seconds of a recording."""
    audio, sample_rate = soundfile.read(path, dtype="float32")
    window = round(WINDOW_SECONDS * sample_rate)
    frames = slice(start, start + round(SECONDS * FRAME_RATE))
    begin, end = (int(frame * sample_rate / FRAME_RATE) for frame in (frames.start, frames.stop))
    levels, hz, times = matplotlib.mlab.specgram(
        audio[begin:end], window, sample_rate, noverlap=3 * window // 4, pad_to=4 * window
    )
    levels = 10.0 * np.log10(levels + 1e-14)
    inside = [note for note in notes if note[1] > frames.start and note[0] < frames.stop]
    lowest = min(note[2] for note in inside) / 2.5
    used = (hz > lowest) & (hz < 16.0 * max(note[2] for note in inside))
    axes.pcolormesh(
        start / FRAME_RATE + times,
        hz[used],
        levels[used],
        cmap="magma",
        vmin=levels.max() - DYNAMICS_DB,
        shading="nearest",
        rasterized=True,
    )
    for first, last, truth, _ in inside:
        axes.plot(
            [first / FRAME_RATE, last / FRAME_RATE], [truth, truth], color="lime", lw=5, alpha=0.5
        )
    seconds = np.arange(f0_hz.size)[frames] / FRAME_RATE
    pitch = np.where(f0_hz[frames] > 0, f0_hz[frames], np.nan)
    axes.plot(seconds, pitch, color="cyan", lw=0.6)
    axes.plot(seconds, np.where(confidence[frames] >= 0.5, pitch, np.nan), color="cyan", lw=1.8)
    axes.set(
        yscale="log", ylabel="Hz", xlim=(seconds[0], seconds[0] + SECONDS), ylim=(lowest, None)
    )


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Folder for a picture of each set.")
@click.option("--tracker", default="auto", show_default=True, help="Name of the tracker.")
def main(folders: tuple[Path, ...], out: Path, tracker: str):
    """Draw the worst ten seconds of each set."""
    out.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        wrong, path, start, notes, f0_hz, confidence = worst(folder, pitch_tracker(tracker))
        figure, axes = pyplot.subplots(figsize=(14, 6), layout="constrained")
        draw(axes, path, start, notes, f0_hz, confidence)
        axes.set_title(f"{path.name}: {wrong:.0f} frames wrong (green: notes, cyan: {tracker})")
        figure.savefig(out / f"{folder.name}.png", dpi=70)
        pyplot.close(figure)
        click.echo(out / f"{folder.name}.png")


if __name__ == "__main__":
    main()
