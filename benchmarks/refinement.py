"""Measures the error of trackers' pitch before and after refinement.

    python benchmarks/refinement.py

Rich tones with a known pitch, some with white noise; mean error in semitones.
"""

import sys
import time
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pitch_signals import RICH, cents_between, glide, notes, steady, tone, vibrato
from pitch_trackers import table

from ddsp_tf.features.pitch import pitch_tracker
from ddsp_tf.features.refinement import refine_f0

SECONDS = 3.0
# The ends of a recording are not judged.
EDGE_SECONDS = 0.15
SNRS_DB = (np.inf, 20.0, 10.0, 5.0)


@click.command()
@click.option("--tracker", "trackers", multiple=True, default=["swift_f0", "yin"])
@click.option("--sample-rate", type=int, default=16000, show_default=True)
@click.option("--frame-rate", type=int, default=250, show_default=True)
def main(trackers, sample_rate, frame_rate):
    """Measure trackers before and after their pitch is refined."""
    hop, edge = sample_rate // frame_rate, round(EDGE_SECONDS * frame_rate)
    rows, seconds = [], []
    for (name, curve), snr in ((c, snr) for c in curves(sample_rate).items() for snr in SNRS_DB):
        signal = tone(curve, sample_rate, RICH, phase_seed=0).with_noise(snr)
        truth = signal.frames(hop)
        row = [name, f"{snr:.0f} dB" if np.isfinite(snr) else "clean"]
        for tracker in trackers:
            found, confidence = pitch_tracker(tracker).track(signal.audio, sample_rate, hop)
            started = time.perf_counter()
            refined = refine_f0(signal.audio, found, confidence, sample_rate, hop)
            seconds.append(time.perf_counter() - started)
            for pitch in (found, refined):
                cents = cents_between(pitch[edge:-edge], truth[edge:-edge])
                row.append(f"{np.mean(cents) / 100.0:.4f}")
        rows.append(row)
    header = ["pitch", "SNR"]
    header += [text for tracker in trackers for text in (tracker, f"{tracker}, refined")]
    print(table(header, rows))
    print(f"refining a minute takes {60.0 / SECONDS * np.median(seconds):.2f} s")


def curves(sample_rate: int) -> dict[str, np.ndarray]:
    """Returns pitch in Hz at every sample, [samples], by name."""
    length = {"seconds": SECONDS, "sample_rate": sample_rate}
    return {
        **{f"{hz:.0f} Hz": steady(hz, **length) for hz in (82.3, 221.7, 655.1, 1511.0)},
        "vibrato": vibrato(440.0, **length),
        "glide": glide(200.0, 400.0, **length),
        "step": notes([300.0, 401.0], SECONDS / 2, sample_rate),
    }


if __name__ == "__main__":
    main()
