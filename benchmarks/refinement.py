"""Measures how far trackers' pitch is off, and how far once it is refined.

    python benchmarks/refinement.py

Tones of 15 harmonics with a known pitch, some with white noise; mean error in semitones.
"""

import time

import click
import numpy as np
from pitch_trackers import table

from ddsp_tf.features.pitch import pitch_tracker
from ddsp_tf.features.refinement import refine_f0

SECONDS = 3
EDGE = 0.05
SNR_DB = (None, 20, 10, 5)


@click.command()
@click.option("--tracker", "trackers", multiple=True, default=["swift_f0", "yin"])
@click.option("--sample-rate", type=int, default=16000, show_default=True)
@click.option("--frame-rate", type=int, default=250, show_default=True)
def main(trackers, sample_rate, frame_rate):
    """Measure trackers before and after their pitch is refined."""
    hop = sample_rate // frame_rate
    generator = np.random.default_rng(0)
    rows, seconds = [], []
    for name, pitch in pitches(SECONDS * frame_rate, frame_rate).items():
        clean = tone(pitch, sample_rate, hop)
        for snr in SNR_DB:
            noise = generator.normal(0.0, clean.std(), clean.size)
            noisy = clean if snr is None else clean + noise * 10.0 ** (-snr / 20.0)
            row = [name, "clean" if snr is None else f"{snr} dB"]
            for tracker in trackers:
                audio = noisy.astype(np.float32)
                found, confidence = pitch_tracker(tracker).track(audio, sample_rate, hop)
                started = time.perf_counter()
                refined = refine_f0(audio, found, confidence, sample_rate, hop)
                seconds.append(time.perf_counter() - started)
                row += [f"{error(values, pitch):.4f}" for values in (found, refined)]
            rows.append(row)
    header = ["pitch", "SNR"]
    header += [text for tracker in trackers for text in (tracker, f"{tracker}, refined")]
    print(table(header, rows))
    print(f"refining a minute takes {60.0 / SECONDS * np.median(seconds):.2f} s")


def pitches(frames: int, frame_rate: int) -> dict[str, np.ndarray]:
    """Returns curves of pitch in Hz, [frames]."""
    instants = np.arange(frames) / frame_rate
    steady = {f"{hz:.0f} Hz": np.full(frames, hz) for hz in (82.3, 221.7, 655.1, 1511.0)}
    return {
        **steady,
        "vibrato": 440.0 * 2.0 ** (0.5 / 12.0 * np.sin(2.0 * np.pi * 5.5 * instants)),
        "glide": 200.0 * 2.0 ** (instants / SECONDS),
        "step": np.where(instants < SECONDS / 2, 300.0, 401.0),
    }


def tone(pitch: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """Returns a tone of 15 harmonics, [frames * hop]."""
    pitch = np.interp(np.arange(len(pitch) * hop) / hop, np.arange(len(pitch)), pitch)
    phase = 2.0 * np.pi * np.cumsum(pitch) / sample_rate
    audible = ((k, k * pitch < 0.45 * sample_rate) for k in range(1, 16))
    return 0.2 * sum(np.sin(k * phase + k * k) / k * heard for k, heard in audible)


def error(found: np.ndarray, truth: np.ndarray) -> float:
    """Returns the mean error in semitones, without the ends."""
    edge = round(EDGE * len(truth))
    ratios = np.maximum(found, 1.0)[edge:-edge] / truth[edge:-edge]
    return float(np.mean(np.abs(12.0 * np.log2(ratios))))


if __name__ == "__main__":
    main()
