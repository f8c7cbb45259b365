#!/usr/bin/env python3
"""Plays a feature file through an exported .tflite. Needs ai-edge-litert, numpy and soundfile.

    python run_tflite.py MODEL FEATURES.npz OUT.wav             # offline.tflite, all at once
    python run_tflite.py MODEL FEATURES.npz OUT.wav --stream    # stream.tflite, hop by hop
    python run_tflite.py MODEL FEATURES.npz OUT.wav --realtime  # the same, at the pace of sound

MODEL is the exported folder. FEATURES holds one value a frame of the features that model.json
names, such as f0_hz (Hz) and loudness_db (dB), and frame_rate. --realtime waits for each hop's
moment, as an audio driver would, and prints how long the hops took.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from ai_edge_litert.interpreter import Interpreter


def read_features(path, model):
    """Reads what the model plays from an .npz file, as arrays with a batch of one in front."""
    with np.load(path) as file:
        missing = [name for name in model["features"] if name not in file]
        if missing:
            sys.exit(f"{path}: no {missing[0]!r} in it; the model needs {model['features']}")
        rate = float(file["frame_rate"])
        if rate != model["frame_rate"]:
            sys.exit(f"{path}: {rate:g} frames a second; the model plays {model['frame_rate']}")
        curves = {name: np.ravel(file[name]).astype(np.float32) for name in model["features"]}
        frames = len(curves["f0_hz"])
        if frames == 0 or any(len(curve) != frames for curve in curves.values()):
            sys.exit(f"{path}: the features have {frames} frames or differ; expected equal lengths")
        curves = {name: curve[None] for name, curve in curves.items()}
        if model["mean_z"] is not None:
            # The timbre: from the file, or the mean of what the model was trained on.
            z = file["z"] if "z" in file else np.tile(model["mean_z"], (frames, 1))
            curves["z"] = z.astype(np.float32)[None]
        return curves


def play_offline(path, curves, noise):
    """Plays everything in one call; returns [samples]."""
    synthesize = Interpreter(str(path), num_threads=2).get_signature_runner("synthesize")
    return synthesize(**curves, noise=noise)["audio"][0]


def play_hops(path, curves, noise, model, realtime):
    """Plays one hop a call, the state handed from each to the next; returns audio and seconds."""
    step = Interpreter(str(path), num_threads=1).get_signature_runner("step")
    shapes = {name: details["shape"] for name, details in step.get_input_details().items()}
    state = {
        name: np.zeros(shape, np.float32)
        for name, shape in shapes.items()
        if name.startswith("state_")
    }
    hop, latency, frames = model["hop"], model["latency_samples"], curves["f0_hz"].shape[1]
    # The sound comes late by the latency: the last frame is held, without noise, until all is out.
    hops = frames + -(-latency // hop)
    audio, seconds = [], []
    begin = time.perf_counter()
    for number in range(hops):
        frame = min(number, frames - 1)
        inputs = {name: curve[:, frame : frame + 1] for name, curve in curves.items()}
        inputs["noise"] = np.zeros((1, hop), np.float32)
        if number < frames:
            inputs["noise"] = noise[:, number * hop : (number + 1) * hop]
        if realtime:
            time.sleep(max(begin + number / model["frame_rate"] - time.perf_counter(), 0))
        start = time.perf_counter()
        state = step(**inputs, **state)
        audio.append(state.pop("audio")[0])
        seconds.append(time.perf_counter() - start)
    return np.concatenate(audio)[latency : latency + frames * hop], np.array(seconds)


def report(seconds, model):
    """Prints how long the hops took, against how long they sound."""
    hop = 1e3 / model["frame_rate"]
    p50, p99 = 1e3 * np.percentile(seconds, [50, 99])
    worst, late = 1e3 * seconds.max(), np.sum(1e3 * seconds > hop)
    print(f"{len(seconds)} hops of {hop:.2f} ms each took, in ms:")
    print(f"  p50 {p50:.3f} ({p50 / hop:.1%} of a hop), p99 {p99:.3f}, max {worst:.3f}")
    print(f"  hops that took longer than they sound: {late}")


def main():
    """Reads, plays, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    parser.add_argument("--stream", action="store_true", help="play hop by hop")
    parser.add_argument("--realtime", action="store_true", help="hop by hop, at the pace of sound")
    parser.add_argument(
        "--precision", choices=["float32", "float16", "int8"], default="float32", help="which file"
    )
    arguments = parser.parse_args()
    by_hops = arguments.stream or arguments.realtime
    ending = "" if arguments.precision == "float32" else f"_{arguments.precision}"
    path = arguments.model / f"{'stream' if by_hops else 'offline'}{ending}.tflite"
    try:
        model = json.loads((arguments.model / "model.json").read_text())
        curves = read_features(arguments.features, model)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"cannot read the model or the features: {error}")
    if not path.is_file():
        sys.exit(f"{path}: not found; the export has no {arguments.precision} files")

    # The caller brings the noise: one number a sample, in [-1, 1].
    samples = curves["f0_hz"].shape[1] * model["hop"]
    noise = np.random.default_rng(arguments.seed).uniform(-1, 1, (1, samples)).astype(np.float32)
    if by_hops:
        audio, seconds = play_hops(path, curves, noise, model, arguments.realtime)
        if arguments.realtime:
            report(seconds, model)
    else:
        audio = play_offline(path, curves, noise)
    soundfile.write(arguments.out, audio, model["sample_rate"])
    print(f"{arguments.out}: {len(audio) / model['sample_rate']:.1f} s")


if __name__ == "__main__":
    main()
