#!/usr/bin/env python3
"""Plays a feature file through an exported SavedModel. Needs tensorflow, numpy and soundfile.

    python run_saved_model.py MODEL FEATURES.npz OUT.wav [--seed 0]
    python run_saved_model.py MODEL RECORDING.wav OUT.wav    # its pitch and loudness, this timbre

MODEL is the exported folder (with model.json and saved_model/). FEATURES holds one value a frame
of the features that model.json names, such as f0_hz (Hz) and loudness_db (dB), and frame_rate. A
recording is measured inside the model; it must have the model's sample rate.
"""

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import soundfile


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
        if "z" in file and model["mean_z"] is not None:
            curves["z"] = file["z"].astype(np.float32)[None]
        return curves


def read_recording(path, model):
    """Reads a recording as [1, samples], its channels mixed."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != model["sample_rate"]:
        sys.exit(f"{path}: {rate} Hz; the model plays {model['sample_rate']} Hz; resample it first")
    return {"audio": audio.mean(axis=1)[None]}


@contextlib.contextmanager
def quiet():
    """Keeps what native code prints while it starts off the terminal."""
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
    """Reads, plays, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("source", type=Path, help="features (.npz) or a recording")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    arguments = parser.parse_args()
    try:
        model = json.loads((arguments.model / "model.json").read_text())
        read = read_features if arguments.source.suffix == ".npz" else read_recording
        inputs = read(arguments.source, model)
    except (OSError, ValueError, KeyError, soundfile.LibsndfileError) as error:
        sys.exit(f"cannot read the model or what to play: {error}")

    # Takes seconds; by now the files are known to be good.
    with quiet():
        import tensorflow as tf

        saved_model = tf.saved_model.load(str(arguments.model / "saved_model"))
    signature = "transfer" if "audio" in inputs else "synthesize"
    if model["mean_z"] is not None and "z" not in inputs:
        # The timbre: the mean of what the model was trained on.
        inputs["z"] = np.array(model["mean_z"], np.float32)[None, None]
    inputs = {name: tf.constant(values) for name, values in inputs.items()}
    play = saved_model.signatures[signature]
    audio = play(**inputs, noise_seed=tf.constant(arguments.seed))["audio"]

    soundfile.write(arguments.out, audio.numpy()[0], model["sample_rate"])
    print(f"{arguments.out}: {audio.shape[1] / model['sample_rate']:.1f} s")


if __name__ == "__main__":
    main()
