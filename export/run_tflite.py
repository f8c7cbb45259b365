#!/usr/bin/env python3
"""Plays a feature file through an exported .tflite. Needs ai-edge-litert, numpy and soundfile.

    python run_tflite.py MODEL FEATURES.npz OUT.wav             # offline.tflite, all at once
    python run_tflite.py MODEL FEATURES.npz OUT.wav --stream    # stream.tflite, hop by hop
    python run_tflite.py MODEL FEATURES.npz OUT.wav --realtime  # the same at the pace of sound

MODEL is the exported folder. FEATURES holds one value per frame of each feature that model.json
lists, such as f0_hz (Hz) and loudness_db (dB), and frame_rate; a frame with NaN is silent.
--realtime waits for the moment of each hop, as an audio driver does, and prints how long the hops
took.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from ai_edge_litert.interpreter import Interpreter


def numbers(path, name, array, shapes):
    """Checks an array of the caller's; returns it as float32."""
    if array.dtype.kind not in "fiu":
        sys.exit(f"{path}: {name} has the type {array.dtype}; expected real numbers")
    if array.shape not in shapes:
        expected = " or ".join(str(list(shape)) for shape in shapes)
        sys.exit(f"{path}: {name} has the shape {list(array.shape)}; expected {expected}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def read_features(path, model):
    """Reads the model's features from an .npz file, as arrays with a batch of one."""
    with np.load(path) as file:
        missing = [name for name in (*model["features"], "frame_rate") if name not in file]
        if missing:
            sys.exit(f"{path}: lacks {missing[0]!r}; the model needs {model['features']}")
        rate = float(numbers(path, "frame_rate", file["frame_rate"], [()]))
        if rate != model["frame_rate"]:
            sys.exit(f"{path}: {rate:g} frames a second; the model plays {model['frame_rate']}")
        frames = file["f0_hz"].size
        if frames == 0:
            sys.exit(f"{path}: f0_hz has no frames; expected at least one")
        curves = {name: numbers(path, name, file[name], [(frames,)]) for name in model["features"]}
        if model["mean_z"] is not None:
            # The timbre of the file, or the mean one of the training data.
            z = file["z"] if "z" in file else np.tile(model["mean_z"], (frames, 1))
            curves["z"] = numbers(path, "z", z, [(frames, len(model["mean_z"]))])
        return {name: curve[None] for name, curve in curves.items()}


def check_output(path):
    """Refuses an output that cannot be written."""
    if path.suffix.lstrip(".").upper() not in soundfile.available_formats():
        sys.exit(f"{path}: unknown audio format {path.suffix!r}; expected .wav or .flac")


def play_offline(path, curves, noise):
    """Plays everything in one call; returns [samples]."""
    synthesize = Interpreter(str(path), num_threads=2).get_signature_runner("synthesize")
    return synthesize(**curves, noise=noise)["audio"][0]


def play_hops(path, curves, noise, model, realtime):
    """Plays one hop per call and passes the state on; returns audio and seconds per hop."""
    step = Interpreter(str(path), num_threads=1).get_signature_runner("step")
    shapes = {name: details["shape"] for name, details in step.get_input_details().items()}
    state = {
        name: np.zeros(shape, np.float32)
        for name, shape in shapes.items()
        if name.startswith("state_")
    }
    hop, latency, frames = model["hop"], model["latency_samples"], curves["f0_hz"].shape[1]
    # The audio is delayed: the last frame is held, without noise, until all of it is out.
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
    """Prints how long the hops took, compared with their duration."""
    hop = 1e3 / model["frame_rate"]
    p50, p99 = 1e3 * np.percentile(seconds, [50, 99])
    worst, late = 1e3 * seconds.max(), np.sum(1e3 * seconds > hop)
    print(f"{len(seconds)} hops of {hop:.2f} ms each took, in ms:")
    print(f"  p50 {p50:.3f} ({p50 / hop:.1%} of a hop), p99 {p99:.3f}, max {worst:.3f}")
    print(f"  hops that took longer than their duration: {late}")


def main():
    """Reads, plays and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    parser.add_argument("--stream", action="store_true", help="play hop by hop")
    parser.add_argument("--realtime", action="store_true", help="hop by hop, at the pace of sound")
    parser.add_argument("--precision", choices=["float32", "float16", "int8"], default="float32")
    arguments = parser.parse_args()
    check_output(arguments.out)
    if not 0 <= arguments.seed < 2**31:
        sys.exit(f"--seed {arguments.seed}: expected a number from 0 to {2**31 - 1}")
    by_hops = arguments.stream or arguments.realtime
    ending = "" if arguments.precision == "float32" else f"_{arguments.precision}"
    path = arguments.model / f"{'stream' if by_hops else 'offline'}{ending}.tflite"
    try:
        model = json.loads((arguments.model / "model.json").read_text())
        curves = read_features(arguments.features, model)
    except Exception as error:  # numpy raises many kinds for damaged files.
        reason = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"cannot read the model or the features: {reason}")
    if not path.is_file():
        sys.exit(f"{path}: not found; the export has no {arguments.precision} files")

    # The caller supplies the noise: one number per sample, in [-1, 1].
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
    if np.abs(audio).max() > 1.0:
        print(f"{np.mean(np.abs(audio) > 1.0):.2%} of the samples are clipped; lower the levels")


if __name__ == "__main__":
    main()
