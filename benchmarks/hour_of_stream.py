"""Plays an hour through stream.tflite, hop by hop, and compares its last second with its first.

    python benchmarks/hour_of_stream.py vst my_run

Each argument is a run, or a shipped configuration, which gets random weights. The hour is one tone
of constant level, without noise: every second of it should be the same harmonics, in phase with a
tone that is computed in float64. Decoder and room settle for 20 s before the first. MiB is the
growth of the memory in use from the first second to the last (Linux).
"""

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import numpy as np

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.export.exporter import export_model
from ddsp_tf.export.verification import open_interpreter
from ddsp_tf.inference.model_files import load_model

SETTLED_SECONDS = 20


def phase_and_snr(audio: np.ndarray, first: int, f0_hz: float, rate: int) -> tuple[float, float]:
    """Fits the harmonics of a pitch to audio that begins at sample `first`.

    Returns the fundamental's phase in cycles, and the level of all harmonics above the rest in dB.
    """
    harmonics = np.arange(1, np.ceil(rate / 2 / f0_hz))
    # Whole cycles are left out, because they would cost digits.
    cycles = np.outer(np.arange(first, first + audio.size) * f0_hz / rate % 1.0, harmonics)
    basis = np.concatenate([np.cos(2 * np.pi * cycles), np.sin(2 * np.pi * cycles)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, audio, rcond=None)
    rest = audio - basis @ weights
    phase = np.arctan2(-weights[harmonics.size], weights[0]) / (2 * np.pi)
    return phase, 10 * np.log10(np.mean(audio**2) / np.mean(rest**2))


def resident_mib() -> float:
    """Returns the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def play(path: Path, model, f0_hz: float, seconds: int):
    """Plays a tone.

    Returns two of its seconds by their first sample, the seconds that playing took, and the growth
    of the process from the first to the last in MiB.
    """
    step = open_interpreter(path, threads=1).get_signature_runner("step")
    shapes = {name: tuple(about["shape"]) for name, about in step.get_input_details().items()}
    inputs = {name: np.full(shape, -20.0, np.float32) for name, shape in shapes.items()}
    inputs["f0_hz"][:] = f0_hz
    for name in {"noise", "z"} & set(inputs):
        inputs[name][:] = 0.0
    state = {name: np.zeros(shapes[name], np.float32) for name in shapes if "state_" in name}
    rate = model.sample_rate
    kept = {first: [] for first in (SETTLED_SECONDS * rate, (seconds - 1) * rate)}
    held = []
    start = time.perf_counter()
    for number in range(seconds * rate // model.hop):
        state = step(**{**inputs, **state})
        audio = state.pop("audio")[0]
        for first, parts in kept.items():
            if 0 <= number * model.hop - first < rate:
                held += [] if parts else [resident_mib()]
                parts.append(audio)
    taken = time.perf_counter() - start
    pieces = {first: np.concatenate(parts) for first, parts in kept.items()}
    return pieces, taken, held[1] - held[0]


@click.command(help=__doc__.splitlines()[0])
@click.argument("models", nargs=-1, required=True)
@click.option("--seconds", default=3600, show_default=True, help="How long to play.")
@click.option("--f0", "f0_hz", default=441.3, show_default=True, help="Pitch in Hz.")
def main(models, seconds, f0_hz):
    """Prints a row for each model."""
    names = ("model", "first: SNR, dB", "last: SNR, dB", "drift, cycles", "level, dB", "s", "MiB")
    click.echo("| " + " | ".join(names) + " |\n|" + " --- |" * len(names))
    # The model receives the pitch in float32.
    f0_hz = float(np.float32(f0_hz))
    for name in models:
        model = load_model(name) if Path(name).exists() else load_experiment(name).model
        model.build()
        with tempfile.TemporaryDirectory() as folder:
            export_model(model, Path(folder) / "export", precisions=["float32"])
            stream = Path(folder) / "export" / "stream.tflite"
            pieces, taken, grown = play(stream, model, f0_hz, seconds)
        fits = [phase_and_snr(a, first, f0_hz, model.sample_rate) for first, a in pieces.items()]
        (first_phase, first_snr), (last_phase, last_snr) = fits
        drift = (last_phase - first_phase + 0.5) % 1.0 - 0.5
        levels = [20 * np.log10(np.sqrt(np.mean(audio**2))) for audio in pieces.values()]
        row = [name, f"{first_snr:.1f}", f"{last_snr:.1f}", f"{drift:.1e}"]
        row += [f"{levels[1] - levels[0]:+.4f}", f"{taken:.0f}", f"{grown:.1f}"]
        click.echo("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
