#!/usr/bin/env python3
"""Plays a feature file through an exported SavedModel. Needs tensorflow, numpy and soundfile.

    python run_saved_model.py MODEL FEATURES.npz OUT.wav [--seed 0]
    python run_saved_model.py MODEL RECORDING.wav OUT.wav    # its pitch and loudness, this timbre
    python run_saved_model.py MODEL FEATURES.npz OUT.wav --instrument cello  # of a model of several

MODEL is the exported folder (with model.json and saved_model/). It is a program: play only models
from people you trust. FEATURES contains one value per frame for each feature that model.json lists,
such as f0_hz (Hz) and loudness_db (dB), and frame_rate; a frame with NaN is silent. The model
itself measures recordings, which must have the model's sample rate.
"""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import soundfile


def numbers(path, name, array, shapes):
    """Checks an array from the caller; returns it as float32."""
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
        sizes = {"z": len(model["mean_z"] or []), "instrument": len(model["instruments"])}
        for name, size in sizes.items():
            if size and name in file:
                curves[name] = numbers(path, name, file[name], [(frames, size), (1, size)])
        return {name: curve[None] for name, curve in curves.items()}


def read_recording(path, model):
    """Reads a recording as [1, samples], its channels averaged."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != model["sample_rate"]:
        sys.exit(f"{path}: {rate} Hz; the model plays {model['sample_rate']} Hz; resample it first")
    if len(audio) < model["hop"]:
        sys.exit(f"{path}: {len(audio)} samples; expected at least a frame, {model['hop']}")
    return {"audio": audio.mean(axis=1)[None]}


def check_output(path, source):
    """Refuses an output that cannot be written, or that is the input."""
    if path.suffix.lstrip(".").upper() not in soundfile.available_formats():
        sys.exit(f"{path}: unknown audio format {path.suffix!r}; expected .wav or .flac")
    if path.exists() and source.exists() and path.samefile(source):
        sys.exit(f"{path}: is the input, which would be lost; name another output")
    if path.is_dir() or not path.absolute().parent.is_dir():
        sys.exit(f"{path}: cannot be written; expected a file in an existing folder")


@contextlib.contextmanager
def quiet():
    """Hides what native code prints while it starts."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def main():
    """Reads, plays and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("source", type=Path, help="features (.npz) or a recording")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    parser.add_argument("--instrument", help="of a model of several, the one to play")
    arguments = parser.parse_args()
    check_output(arguments.out, arguments.source)
    if not 0 <= arguments.seed < 2**31:
        sys.exit(f"--seed {arguments.seed}: expected a number from 0 to {2**31 - 1}")
    try:
        model = json.loads((arguments.model / "model.json").read_text())
        read = read_features if arguments.source.suffix == ".npz" else read_recording
        inputs = read(arguments.source, model)
    except Exception as error:  # numpy and soundfile raise many types for damaged files.
        reason = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"cannot read the model or what to play: {reason}")

    names = model["instruments"]
    if arguments.instrument is not None and arguments.instrument not in names:
        known = ", ".join(names) or "none"
        sys.exit(f"--instrument {arguments.instrument}: expected one of {known}")

    # Takes seconds, but by now the files are known to be good.
    with quiet():
        import tensorflow as tf

        saved_model = tf.saved_model.load(str(arguments.model / "saved_model"))
    signature = "transfer" if "audio" in inputs else "synthesize"
    if model["mean_z"] is not None and "z" not in inputs:
        # The mean timbre of the training data.
        inputs["z"] = np.array(model["mean_z"], np.float32)[None, None]
    if model["instruments"] and "instrument" not in inputs:
        # Any weights make a mixture; here one instrument, or all of them equally.
        weights = [arguments.instrument in (None, name) for name in model["instruments"]]
        inputs["instrument"] = np.array(weights, np.float32)[None, None]
    inputs = {name: tf.constant(values) for name, values in inputs.items()}
    play = saved_model.signatures[signature]
    audio = play(**inputs, noise_seed=tf.constant(arguments.seed))["audio"].numpy()[0]

    soundfile.write(arguments.out, audio, model["sample_rate"])
    print(f"{arguments.out}: {len(audio) / model['sample_rate']:.1f} s")
    if np.abs(audio).max() > 1.0:
        print(f"{np.mean(np.abs(audio) > 1.0):.2%} of the samples are clipped; lower the levels")


if __name__ == "__main__":
    main()
