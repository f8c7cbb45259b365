"""Measures the pitch trackers on signals whose pitch is known exactly, and writes a table.

    python benchmarks/pitch_trackers.py --out table.md --crepe-weights model-tiny.h5.bz2

Frames are 10 ms apart. A frame counts where the truth has been voiced, or unvoiced, and free of
jumps for 40 ms at each side. Pitch is compared in every voiced frame, whatever the confidence.
"""

import csv
import itertools
import sys
import time
from pathlib import Path

import click
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pitch_signals import (
    MISSING_FUNDAMENTAL,
    RICH,
    WEAK_FUNDAMENTAL,
    PitchedSignal,
    cents_between,
    glide,
    notes,
    steady,
    tone,
    vibrato,
)

from ddsp_tf.features.pitch import PitchTracker, pitch_tracker

SAMPLE_RATE = 16000
HOP = 160
GUARD_FRAMES = 4
SNRS_DB = (np.inf, 20.0, 10.0, 0.0)
PITCHES_HZ = 30.0 * (2000.0 / 30.0) ** (np.arange(15) / 14)
BANDS_HZ = ((30, 47), (47, 100), (100, 400), (400, 1000), (1000, 2100))
# The lowest pitch that all trackers claim to find.
IN_RANGE_HZ = 47.0
OCTAVE_CENTS = (-2400, -1200, 1200, 2400)


def with_rests(curve: np.ndarray) -> np.ndarray:
    """Puts 0.3 s of silence at both ends of a pitch curve."""
    rest = np.zeros(round(0.3 * SAMPLE_RATE))
    return np.concatenate([rest, curve, rest])


def tremolo(hz: float) -> PitchedSignal:
    """A rich tone whose amplitude swings between 20 and 100 %, six times a second."""
    signal = tone(with_rests(steady(hz)), SAMPLE_RATE, RICH)
    swing = 0.6 + 0.4 * np.sin(2 * np.pi * 6 / SAMPLE_RATE * np.arange(signal.audio.size))
    return PitchedSignal((signal.audio * swing).astype(np.float32), signal.f0_hz, SAMPLE_RATE)


def signals() -> dict[str, list[PitchedSignal]]:
    """Makes all test signals, by kind."""

    def tones(curves, amplitudes, phase_seed=None):
        return [tone(with_rests(c), SAMPLE_RATE, amplitudes, 0.2, phase_seed) for c in curves]

    middle = [hz for hz in PITCHES_HZ if hz <= 1000]
    return {
        "sine": tones(map(steady, PITCHES_HZ), (1.0,)),
        "rich tone": tones(map(steady, PITCHES_HZ), RICH),
        "weak fundamental": tones(map(steady, middle), WEAK_FUNDAMENTAL, 1),
        "missing fundamental": tones(map(steady, middle), MISSING_FUNDAMENTAL, 2),
        "vibrato, 50 cents": tones((vibrato(hz, seconds=1.0) for hz in PITCHES_HZ), RICH),
        "glide over two octaves": tones((glide(hz / 2, 2 * hz) for hz in middle if hz > 60), RICH),
        "octave jumps": tones((notes([hz, 2 * hz, hz, hz / 2]) for hz in middle if hz > 60), RICH),
        "tremolo": [tremolo(hz) for hz in PITCHES_HZ],
    }


def counted(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tells the voiced and the unvoiced frames that have no change of note near them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.abs(np.diff(np.log2(truth)))
    changes = np.append(~(steps < 0.25) & (np.diff(truth) != 0), False)
    near = np.convolve(changes, np.ones(2 * GUARD_FRAMES), "same") > 0
    return (truth > 0) & ~near, (truth == 0) & ~near


def compare(tracker: PitchTracker, signal: PitchedSignal) -> dict[str, np.ndarray]:
    """Tracks one signal; returns for every counted frame what is correct."""
    f0_hz, confidence = tracker.track(signal.audio, signal.sample_rate, HOP)
    truth = signal.frames(HOP)
    voiced, unvoiced = counted(truth)
    with np.errstate(divide="ignore"):
        cents = 1200 * np.log2(np.maximum(f0_hz[voiced], 1e-3) / truth[voiced])
    octave = np.any([np.abs(cents - off) < 50 for off in OCTAVE_CENTS], axis=0)
    return {
        "truth_hz": truth[voiced],
        "within_50": np.abs(cents) < 50,
        "within_25": np.abs(cents) < 25,
        "octave": octave,
        "recall": confidence[voiced] >= 0.5,
        "alarm": confidence[unvoiced] >= 0.5,
    }


def joined(results: list[dict[str, np.ndarray]], key: str, low=0.0, high=np.inf) -> np.ndarray:
    """Joins one entry of several comparisons; voiced frames only with pitches in low..high Hz."""
    parts = []
    for result in results:
        inside = (result["truth_hz"] >= low) & (result["truth_hz"] < high)
        parts.append(result[key] if key == "alarm" else result[key][inside])
    return np.concatenate(parts)


def percent(values: np.ndarray) -> str:
    """Writes the share of true values."""
    return f"{100 * np.mean(values):.1f}" if values.size else ""


def table(header: list[str], rows: list[list[str]]) -> str:
    """Writes a markdown table, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def speed(tracker: PitchTracker, frame_rate: int) -> float:
    """Measures the seconds of audio tracked per second of one core's time, after a first run."""
    audio = tone(vibrato(300.0, seconds=20.0), SAMPLE_RATE, RICH).audio
    tracker.track(audio, SAMPLE_RATE, SAMPLE_RATE // frame_rate)
    start = time.process_time()
    tracker.track(audio, SAMPLE_RATE, SAMPLE_RATE // frame_rate)
    return 20.0 / (time.process_time() - start)


def noise_alarm(tracker: PitchTracker) -> list[str]:
    """Measures how often a tracker takes white noise, pink noise and clicks for a tone."""
    rng = np.random.default_rng(0)
    white = rng.normal(size=20 * SAMPLE_RATE)
    slope = np.sqrt(np.maximum(np.arange(white.size // 2 + 1) / 20.0, 20.0))
    pink = np.fft.irfft(np.fft.rfft(white) / slope)
    clicks = np.zeros(white.size)
    clicks[rng.integers(0, white.size, 100)] = 1.0
    shares = []
    for audio in (white, pink, clicks):
        audio = (0.1 * audio / audio.std()).astype(np.float32)
        shares.append(percent(tracker.track(audio, SAMPLE_RATE, HOP)[1] >= 0.5))
    return shares


def recordings_table(folder: Path, trackers: dict[str, PitchTracker]) -> str:
    """Compares the trackers with the nominal pitches in a folder's `notes.csv`."""
    with open(folder / "notes.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    results = {name: [] for name in trackers}
    for source in dict.fromkeys(row["file"] for row in rows):
        path = folder.parent / source
        audio, sample_rate = soundfile.read(path, dtype="float32")
        for name, tracker in trackers.items():
            f0_hz, confidence = tracker.track(audio, sample_rate, sample_rate // 100)
            for row in (row for row in rows if row["file"] == source):
                # Notes may overlap by 60 ms, and end in a fade of up to 160 ms.
                first = round(100 * float(row["start_s"])) + 8
                last = round(100 * float(row["end_s"])) - 16
                cents = cents_between(f0_hz[first:last], float(row["nominal_hz"]))
                results[name].append((cents, confidence[first:last]))
    lines = []
    for name, parts in results.items():
        cents = np.concatenate([part[0] for part in parts])
        sure = np.concatenate([part[1] for part in parts]) >= 0.5
        whole = [np.mean(part[0] < 50) > 0.9 for part in parts if part[0].size]
        cells = [percent(cents < 50), percent(cents < 25), f"{np.median(cents):.1f}"]
        lines.append([name, *cells, percent(sure), f"{sum(whole)} of {len(whole)}"])
    header = ["tracker", "50 cents", "25 cents", "median, cents", "voiced", "notes right"]
    return table(header, lines)


class Results:
    """Comparisons of all trackers with all synthetic signals."""

    def __init__(self, trackers: dict[str, PitchTracker]):
        self.names = list(trackers)
        self.parts = {}
        made = signals()
        self.kinds = list(made)
        for kind, snr_db in itertools.product(made, SNRS_DB):
            click.echo(f"{kind}, {snr_db} dB", err=True)
            for seed, clean in enumerate(made[kind]):
                signal = clean.with_noise(snr_db, seed)
                for name, tracker in trackers.items():
                    result = compare(tracker, signal)
                    self.parts.setdefault((name, kind, snr_db), []).append(result)

    def share(self, key, name, kind=None, snr_db=None, low=IN_RANGE_HZ, high=np.inf) -> str:
        """Gives the share of frames of some kind and noise with a pitch in low..high Hz."""
        chosen = itertools.chain.from_iterable(
            parts
            for (made_by, made_of, noise_db), parts in self.parts.items()
            if made_by == name and kind in (None, made_of) and snr_db in (None, noise_db)
        )
        return percent(joined(list(chosen), key, low, high))

    def by_noise(self) -> str:
        """Writes all measures, by tracker and noise."""
        keys = ("within_50", "within_25", "octave", "recall", "alarm")
        rows = [
            [
                "clean" if np.isinf(snr_db) else f"{snr_db:g} dB",
                name,
                *(self.share(key, name, snr_db=snr_db) for key in keys),
            ]
            for snr_db, name in itertools.product(SNRS_DB, self.names)
        ]
        columns = ("within 50 cents", "within 25", "octave errors", "voicing recall")
        return table(["SNR", "tracker", *columns, "false alarm"], rows)

    def by_kind(self) -> str:
        """Writes the accuracy on each kind of signal, clean and in strong noise."""
        ends = list(itertools.product(self.names, (("clean", np.inf), ("0 dB", 0.0))))
        rows = [
            [kind, *(self.share("within_50", name, kind, end[1]) for name, end in ends)]
            for kind in self.kinds
        ]
        return table(["signal", *(f"{name}, {end[0]}" for name, end in ends)], rows)

    def by_pitch(self) -> str:
        """Writes the accuracy without noise, by pitch."""
        rows = [
            [
                f"{low} to {high} Hz",
                *(self.share("within_50", n, None, np.inf, low, high) for n in self.names),
            ]
            for low, high in BANDS_HZ
        ]
        return table(["pitch", *self.names], rows)


def report(trackers: dict[str, PitchTracker]) -> str:
    """Runs all comparisons with synthetic signals and writes their tables."""
    results = Results(trackers)
    noises = [[name, *noise_alarm(tracker)] for name, tracker in trackers.items()]
    speeds = [
        [name, *(f"{speed(tracker, frame_rate):.0f}" for frame_rate in (100, 250))]
        for name, tracker in trackers.items()
    ]
    return "\n".join(
        [
            f"By noise (all signals, pitches from {IN_RANGE_HZ:g} Hz, %):\n",
            results.by_noise(),
            f"By signal (pitches from {IN_RANGE_HZ:g} Hz, % within 50 cents):\n",
            results.by_kind(),
            "By pitch (clean, % within 50 cents):\n",
            results.by_pitch(),
            "Taken for a tone (% of frames):\n",
            table(["tracker", "white noise", "pink noise", "clicks"], noises),
            "Speed (seconds of audio in a second of one core's time):\n",
            table(["tracker", "100 frames/s", "250 frames/s"], speeds),
        ]
    )


@click.command()
@click.option("--out", type=Path, required=True, help="Markdown file to write.")
@click.option("--crepe-weights", type=Path, help="model-tiny.h5 or .h5.bz2; else no CREPE.")
@click.option("--recordings", type=Path, help="Folder with notes.csv and audio files.")
def main(out: Path, crepe_weights: Path | None, recordings: Path | None):
    """Write the tables of docs/features.md."""
    trackers = {"swift_f0": pitch_tracker("swift_f0")}
    if crepe_weights:
        trackers["crepe tiny"] = pitch_tracker("crepe", capacity="tiny", weights=crepe_weights)
    trackers["yin"] = pitch_tracker("yin")
    text = report(trackers)
    if recordings:
        text += "\nRecordings (% of frames):\n\n" + recordings_table(recordings, trackers)
    out.write_text(text, encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
