"""Measures listening live: accuracy, delays, agreement with recordings, and time per hop.

    python benchmarks/live_pitch.py --out table.md sax violin cello

Folders are those of `pitch_marks.py`, and a frame counts in the same way; the pitch of a frame is
compared with the note that was played at the instant the frame describes. With `--delay-seconds
0.06` it measures the signature `extract_features` of a SavedModel. Delays are measured with tones
of known pitch: the result after a hop is compared with the truth at each instant before the end of
the hop, and with the start and end of notes.
"""

import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import soundfile
from machine import describe_machine
from pitch_cases import cases
from pitch_marks import (
    FRAME_RATE,
    RIGHT_NOTE,
    WHOLE,
    Counts,
    cents_off,
    confidence_table,
    judged,
    judged_notes,
    note_list,
)
from pitch_trackers import counted, table

from ddsp_tf.backend.compilation import compiled
from ddsp_tf.export.listening import FILE, write_listening
from ddsp_tf.export.verification import open_interpreter
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.live_features import LiveFeatures

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pitch_signals import RICH, tone, vibrato

SAMPLE_RATE = 16000
PITCHES_HZ = (27.5, 41.2, 65.4, 82.4, 110.0, 164.8, 220.0, 440.0, 880.0, 1760.0, 3520.0)


class Live:
    """Measures whole recordings as live sound."""

    def __init__(self, delay_seconds: float):
        self.layer = LiveFeatures(SAMPLE_RATE, FRAME_RATE, delay_seconds=delay_seconds)
        self._call = compiled(self.layer.call, self.layer)

    def listen(self, audio: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the curves [frames] of audio [samples]."""
        hop = self.layer.hop
        whole = audio[None, : audio.size // hop * hop].astype(np.float32)
        curves, _ = self._call(whole, self.layer.initial_state(1))
        return {name: np.asarray(curve)[0] for name, curve in curves.items()}

    def delay(self, hz: float) -> int:
        """Samples from the instant that f0 describes to the end of the hop."""
        stated = self.layer.lookahead
        ms = next((ms for lowest, ms in stated if hz >= lowest), stated[-1][1])
        return round(ms * self.layer.sample_rate / 1e3)

    def truth(self, f0_hz: np.ndarray, delay: int) -> np.ndarray:
        """Returns the truth [samples] at the instants that the frames describe."""
        ends = np.arange(1, f0_hz.size // self.layer.hop + 1) * self.layer.hop
        return f0_hz[np.clip(ends - delay, 0, f0_hz.size - 1)]


def synthetic_table(live: Live) -> str:
    """Measures the synthetic set of `pitch_marks.py`, by kind and by noise."""
    counts = {"all": Counts()}
    for kind, snr_db, signal in cases():
        curves = live.listen(signal.audio)
        truth = live.truth(signal.f0_hz, live.delay(signal.f0_hz.max()))
        voiced, unvoiced = counted(truth)
        cents = cents_off(curves["f0_hz"][voiced], truth[voiced])
        sure = curves["f0_confidence"] >= 0.5
        noise = "clean" if np.isinf(snr_db) else f"{snr_db:g} dB"
        for group in ("all", noise, kind):
            counts.setdefault(group, Counts()).add(cents, sure[voiced], sure[unvoiced])
    rows = [[group, *count.cells()] for group, count in counts.items()]
    return table(["signals", "RPA50", "RPA10", "recall", "false alarm"], rows)


def recordings_table(folders: list[Path], live: Live) -> str:
    """Compares the live pitch with the notes, and with that of `auto` in the recording."""
    extractor = FeatureExtractor(SAMPLE_RATE, FRAME_RATE)
    # The live frame that describes a frame of the recording.
    late = live.layer.delay // live.layer.hop - 1
    rows = []
    for folder in folders:
        click.echo(folder.name, err=True)
        cents, voiced, right, apart, levels = [], [], [], [], []
        for path, parts in note_list(folder).items():
            audio, _ = soundfile.read(path, dtype="float32")
            audio = audio[: audio.size // live.layer.hop * live.layer.hop]
            found = {name: curve[late:] for name, curve in live.listen(audio).items()}
            offline = {name: c[: found[name].size] for name, c in extractor.extract(audio).items()}
            sure = (found["f0_confidence"] >= 0.5) & (offline["f0_confidence"] >= 0.5)
            apart.append(cents_off(found["f0_hz"][sure], offline["f0_hz"][sure]))
            levels.append(np.abs(found["loudness_db"] - offline["loudness_db"]))
            for first, last, hz, _ in parts:
                cents.append(cents_off(found["f0_hz"][first:last], hz))
                voiced.append(found["f0_confidence"][first:last] >= 0.5)
                right.append(np.mean(cents[-1] < 50) > RIGHT_NOTE)
        off, apart = np.concatenate(cents), np.concatenate(apart)
        shares = (off < 50, off < 25, np.concatenate(voiced), apart < 50, apart < 10)
        cells = [f"{np.mean(share):.4f}" for share in shares]
        loudest = f"{np.concatenate(levels).max():.4f}"
        rows.append([folder.name, *cells[:3], f"{sum(right)} of {len(right)}", *cells[3:], loudest])
        click.echo(" ".join(rows[-1]), err=True)
    agreement = ["as recorded, 50 cents", "10 cents", "loudness, dB"]
    return table(["set", "50 cents", "25 cents", "voiced", "notes right", *agreement], rows)


def calibration_table(folders: list[Path], live: Live) -> str:
    """Measures the share of correct frames, by confidence; in every fourth recording."""
    sources = {"synthetic": [], "recordings": []}
    for _, _, signal in cases():
        curves = live.listen(signal.audio)
        truth = live.truth(signal.f0_hz, live.delay(signal.f0_hz.max()))
        sources["synthetic"].append(judged(curves["f0_hz"], curves["f0_confidence"], truth))
    for folder in folders:
        for path, parts in list(note_list(folder, WHOLE).items())[::4]:
            audio, _ = soundfile.read(path, dtype="float32")
            curves = live.listen(audio)
            late = [live.delay(hz) // live.layer.hop - 1 for _, _, hz, _ in parts]
            notes = [(p[0] + k, p[1] + k, p[2]) for p, k in zip(parts, late, strict=True)]
            sources["recordings"] += judged_notes(curves["f0_hz"], curves["f0_confidence"], notes)
    return confidence_table(sources)


def measured_delay(live: Live, hz: float) -> float:
    """Milliseconds by which the pitch of a vibrato is late."""
    signal = tone(vibrato(hz, 40.0, 2.5, 3.0), SAMPLE_RATE, RICH)
    f0_hz = live.listen(signal.audio)["f0_hz"]
    inside = slice(50, -10)
    delays = np.arange(0, round(0.1 * SAMPLE_RATE), 4)
    errors = [cents_off(f0_hz, live.truth(signal.f0_hz, d))[inside].mean() for d in delays]
    return 1e3 * delays[int(np.argmin(errors))] / SAMPLE_RATE


def reaction(live: Live, hz: float) -> tuple[float, float]:
    """Milliseconds from a note's start to its correct pitch, and from its end to no pitch."""
    starts, ends = [], []
    hop, length = live.layer.hop, round(0.6 * SAMPLE_RATE)
    for shift in range(0, hop, 20):
        first = round(0.3 * SAMPLE_RATE) + shift
        curve = np.zeros(2 * first + length)
        curve[first : first + length] = hz
        curves = live.listen(tone(curve, SAMPLE_RATE, RICH).audio)
        sure = curves["f0_confidence"] >= 0.5
        right = np.flatnonzero(sure & (cents_off(curves["f0_hz"], hz) < 50))
        starts.append((right[0] + 1) * hop - first)
        ends.append((right[-1] + 2) * hop - first - length)
    return tuple(1e3 * np.mean(samples) / SAMPLE_RATE for samples in (starts, ends))


def delay_table(live: Live) -> str:
    """Measures delays by pitch."""
    rows = []
    for hz in PITCHES_HZ:
        stated = 1e3 * live.delay(hz) / SAMPLE_RATE
        numbers = (stated, measured_delay(live, hz), *reaction(live, hz))
        rows.append([f"{hz:g} Hz", *(f"{number:.1f}" for number in numbers)])
    names = ["lookahead, ms", "measured, ms", "start to pitch, ms", "end to no pitch, ms"]
    return table(["pitch", *names], rows)


def time_table() -> str:
    """Times `listen.tflite` on one thread at the rates of models."""
    with tempfile.TemporaryDirectory() as folder:
        return _time_table(Path(folder))


def _time_table(folder):
    rows, rng = [], np.random.default_rng(0)
    rates = ((16000, 50), (16000, 100), (16000, 250), (44100, 100), (48000, 50), (48000, 250))
    for sample_rate, frame_rate in rates:
        write_listening(LiveFeatures(sample_rate, frame_rate), folder)
        run = open_interpreter(folder / FILE).get_signature_runner("listen")
        shapes = {name: tensor["shape"] for name, tensor in run.get_input_details().items()}
        hop = rng.uniform(-0.1, 0.1, shapes.pop("audio")).astype(np.float32)
        state, seconds = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}, []
        for _ in range(2000):
            start = time.perf_counter()
            outputs = run(audio=hop, **state)
            seconds.append(time.perf_counter() - start)
            state = {name: outputs[name] for name in shapes}
        times = (f"{1e3 * np.percentile(seconds, share):.3f}" for share in (50, 99))
        size = f"{(folder / FILE).stat().st_size / 1e6:.1f}"
        rows.append([f"{sample_rate} Hz", f"{1e3 / frame_rate:g}", *times, size])
    return table(["sample rate", "hop, ms", "median, ms", "99th percentile, ms", "MB"], rows)


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
@click.option("--delay-seconds", default=0.02, help="From what is described to the hop's end.")
@click.option(
    "--tables", default="Delays,Time,Recordings,Synthetic,Confidence", help="Separated by commas."
)
def main(folders: tuple[Path, ...], out: Path, delay_seconds: float, tables: str):
    """Write the tables of live listening in docs/features.md."""
    live, machine = Live(delay_seconds), describe_machine()
    makers = {
        "Delays": lambda: delay_table(live),
        f"Time of a hop ({machine['processor']}, {machine['cores']} cores)": time_table,
        "Recordings": lambda: recordings_table(list(folders), live),
        "Synthetic": lambda: synthetic_table(live),
        "Confidence": lambda: calibration_table(list(folders), live),
    }
    parts = []
    for name, make in makers.items():
        if name.split()[0] in tables.split(","):
            parts.append(f"{name}:\n\n{make()}")
            click.echo(parts[-1])
    out.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
