#!/usr/bin/env python3
"""Plays a feature file or a recording through an exported model.

Needs ai-edge-litert, numpy and soundfile.

    python run_tflite.py MODEL FEATURES.npz OUT.wav             # offline.tflite, all at once
    python run_tflite.py MODEL FEATURES.npz OUT.wav --stream    # stream.tflite, hop by hop
    python run_tflite.py MODEL RECORDING.wav OUT.wav            # listen.tflite, then stream.tflite
    python run_tflite.py MODEL RECORDING.wav OUT.wav --realtime # the same at the pace of sound
    python run_tflite.py MODEL FEATURES.npz OUT.wav --instrument cello  # of a model of several

MODEL is the exported folder. FEATURES contains one value per frame for each feature that model.json
lists, such as f0_hz (Hz) and loudness_db (dB), and frame_rate; a frame with NaN is silent. A
RECORDING must have the model's sample rate: each of its hops is measured and played before the next
one is read, as from a microphone. --realtime waits for the moment of each hop, as an audio driver
does, and prints how long the hops took.
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
    """Checks an array from the caller; returns it as float32."""
    if array.dtype.kind not in "fiu":
        sys.exit(f"{path}: {name} has the type {array.dtype}; expected real numbers")
    if array.shape not in shapes:
        expected = " or ".join(str(list(shape)) for shape in shapes)
        sys.exit(f"{path}: {name} has the shape {list(array.shape)}; expected {expected}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def default_vectors(model, instrument):
    """Returns a model's inputs besides curves: its mean timbre, and the instrument's weights."""
    vectors = {} if model["mean_z"] is None else {"z": np.array(model["mean_z"], np.float32)}
    names = model["instruments"]
    if instrument is not None and instrument not in names:
        sys.exit(f"--instrument {instrument}: expected one of {', '.join(names) or 'none'}")
    if names:
        # Any weights make a mixture; here one instrument, or all of them equally.
        weights = [instrument in (None, name) for name in names]
        vectors["instrument"] = np.array(weights, np.float32)
    return vectors


def read_features(path, model, instrument):
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
        for name, vector in default_vectors(model, instrument).items():
            values = file[name] if name in file else np.tile(vector, (frames, 1))
            curves[name] = numbers(path, name, values, [(frames, len(vector))])
        return {name: curve[None] for name, curve in curves.items()}


def read_recording(path, model, _):
    """Reads a recording as [samples], its channels averaged."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != model["sample_rate"]:
        sys.exit(f"{path}: {rate} Hz; the model plays {model['sample_rate']} Hz; resample it first")
    if len(audio) < model["hop"]:
        sys.exit(f"{path}: {len(audio)} samples; expected at least a frame, {model['hop']}")
    return audio.mean(axis=1)


def check_output(path, source):
    """Refuses an output that cannot be written, or that is the input."""
    if path.suffix.lstrip(".").upper() not in soundfile.available_formats():
        sys.exit(f"{path}: unknown audio format {path.suffix!r}; expected .wav or .flac")
    if path.exists() and source.exists() and path.samefile(source):
        sys.exit(f"{path}: is the input, which would be lost; name another output")
    if path.is_dir() or not path.absolute().parent.is_dir():
        sys.exit(f"{path}: cannot be written; expected a file in an existing folder")


class Step:
    """A file that is called hop by hop, and passes its state on."""

    def __init__(self, path, signature):
        self.run = Interpreter(str(path), num_threads=1).get_signature_runner(signature)
        shapes = {name: details["shape"] for name, details in self.run.get_input_details().items()}
        self.state = {
            name: np.zeros(shape, np.float32)
            for name, shape in shapes.items()
            if name.startswith("state_")
        }

    def __call__(self, **inputs):
        """Computes one hop; returns everything except the state."""
        outputs = self.run(**inputs, **self.state)
        self.state = {name: outputs.pop(name) for name in self.state}
        return outputs


def white_noise(seed, samples):
    """Draws the noise that the caller supplies: one number per sample, [1, samples] in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, (1, samples)).astype(np.float32)


def play_offline(path, curves, noise):
    """Plays everything in one call; returns [samples]."""
    synthesize = Interpreter(str(path), num_threads=2).get_signature_runner("synthesize")
    return synthesize(**curves, noise=noise)["audio"][0]


def report(seconds, model):
    """Prints how long the hops took, compared with their duration."""
    hop = 1e3 / model["frame_rate"]
    p50, p99 = 1e3 * np.percentile(seconds, [50, 99])
    worst, late = 1e3 * seconds.max(), np.sum(1e3 * seconds > hop)
    print(f"{len(seconds)} hops of {hop:.2f} ms each took, in ms:")
    print(f"  p50 {p50:.3f} ({p50 / hop:.1%} of a hop), p99 {p99:.3f}, max {worst:.3f}")
    print(f"  hops that took longer than their duration: {late}")


def play_hops(path, curves_of, hops, noise, model, realtime):
    """Plays hop by hop the curves that a function gives; returns [samples]."""
    step, hop = Step(path, "step"), model["hop"]
    audio, seconds = [], []
    begin = time.perf_counter()
    for number in range(hops):
        if realtime:
            time.sleep(max(begin + number / model["frame_rate"] - time.perf_counter(), 0))
        start = time.perf_counter()
        curves = curves_of(number)
        audio.append(step(**curves, noise=noise[:, number * hop : (number + 1) * hop])["audio"][0])
        seconds.append(time.perf_counter() - start)
    if realtime:
        report(np.array(seconds), model)
    return np.concatenate(audio)


def stored(curves):
    """Returns a function that gives the curves of a hop; after the end, those of the last hop."""
    last = curves["f0_hz"].shape[1] - 1
    return lambda number: {
        name: curve[:, min(number, last)][:, None] for name, curve in curves.items()
    }


def heard(path, audio, model, instrument):
    """Returns a function that measures a hop of a recording, or silence after its end."""
    listen, hop = Step(path, "listen"), model["hop"]
    vectors = default_vectors(model, instrument)
    vectors = {name: vector[None, None] for name, vector in vectors.items()}

    def curves(number):
        block = audio[number * hop : (number + 1) * hop]
        found = listen(audio=np.pad(block, (0, hop - len(block)))[None])
        return {**{name: found[name] for name in model["features"]}, **vectors}

    return curves


def play_features(curves, seed, path, model, realtime, _=None):
    """Plays features; returns [samples]."""
    hop, latency, frames = model["hop"], model["latency_samples"], curves["f0_hz"].shape[1]
    noise = white_noise(seed, frames * hop)
    if path.name.startswith("offline"):
        return play_offline(path, curves, noise)
    # The audio is delayed: the last frame is held, without noise, until all of it is out.
    hops = frames + -(-latency // hop)
    noise = np.pad(noise, ((0, 0), (0, (hops - frames) * hop)))
    audio = play_hops(path, stored(curves), hops, noise, model, realtime)
    return audio[latency : latency + frames * hop]


def play_recording(audio, seed, path, model, realtime, instrument=None):
    """Plays the features of a recording; returns [samples], aligned with it."""
    hop, frames = model["hop"], len(audio) // model["hop"]
    # A frame describes an instant before the end of its hop, and is played from its start.
    latency = max(model["listen"]["latency_samples"] - hop + model["latency_samples"], 0)
    hops = frames + -(-latency // hop)
    curves_of = heard(path.with_name("listen.tflite"), audio, model, instrument)
    noise = white_noise(seed, hops * hop)
    audio = play_hops(path, curves_of, hops, noise, model, realtime)
    return audio[latency : latency + frames * hop]


def main():
    """Reads, plays and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("source", type=Path, help="features (.npz) or a recording")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    parser.add_argument("--instrument", help="of a model of several, the one to play")
    parser.add_argument("--stream", action="store_true", help="play features hop by hop")
    parser.add_argument("--realtime", action="store_true", help="hop by hop, at the pace of sound")
    parser.add_argument("--precision", choices=["float32", "float16", "int8"], default="float32")
    arguments = parser.parse_args()
    check_output(arguments.out, arguments.source)
    if not 0 <= arguments.seed < 2**31:
        sys.exit(f"--seed {arguments.seed}: expected a number from 0 to {2**31 - 1}")
    features = arguments.source.suffix == ".npz"
    by_hops = arguments.stream or arguments.realtime or not features
    ending = "" if arguments.precision == "float32" else f"_{arguments.precision}"
    path = arguments.model / f"{'stream' if by_hops else 'offline'}{ending}.tflite"
    try:
        model = json.loads((arguments.model / "model.json").read_text())
        read, play = (
            (read_features, play_features) if features else (read_recording, play_recording)
        )
        played = read(arguments.source, model, arguments.instrument)
    except Exception as error:  # numpy and soundfile raise many types for damaged files.
        reason = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"cannot read the model or what to play: {reason}")
    for file in [path] if features else [path, path.with_name("listen.tflite")]:
        if not file.is_file():
            sys.exit(f"{file}: not found; the export has no such file")
    rest = (arguments.seed, path, model, arguments.realtime, arguments.instrument)
    audio = play(played, *rest)
    soundfile.write(arguments.out, audio, model["sample_rate"])
    print(f"{arguments.out}: {len(audio) / model['sample_rate']:.1f} s")
    if np.abs(audio).max() > 1.0:
        print(f"{np.mean(np.abs(audio) > 1.0):.2%} of the samples are clipped; lower the levels")


if __name__ == "__main__":
    main()
