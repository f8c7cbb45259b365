#!/usr/bin/env python3
"""Plays a feature file through an exported .tflite. Needs ai-edge-litert, numpy and soundfile.

    python run_tflite.py MODEL FEATURES.npz OUT.wav [--seed 0]

MODEL is the exported folder (with model.json and model.tflite). FEATURES holds one value a frame
of the features that model.json names, such as f0_hz (Hz) and loudness_db (dB), and frame_rate.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import soundfile
from ai_edge_litert.interpreter import Interpreter


def read_features(path, model):
    """Reads the model's features from an .npz file as [1, frames] arrays."""
    with np.load(path) as file:
        missing = [name for name in model["features"] if name not in file]
        if missing:
            sys.exit(f"{path}: no {missing[0]!r} in it; the model needs {model['features']}")
        rate = float(file["frame_rate"])
        if rate != model["frame_rate"]:
            sys.exit(f"{path}: {rate:g} frames a second; the model plays {model['frame_rate']}")
        return {name: np.atleast_2d(file[name]).astype(np.float32) for name in model["features"]}


def main():
    """Reads, plays, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    arguments = parser.parse_args()
    try:
        model = json.loads((arguments.model / "model.json").read_text())
        inputs = read_features(arguments.features, model)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"cannot read the model or the features: {error}")

    # The caller brings the noise: one number a sample, in [-1, 1].
    samples = inputs["f0_hz"].shape[1] * model["hop"]
    generator = np.random.default_rng(arguments.seed)
    inputs["noise"] = generator.uniform(-1, 1, (1, samples)).astype(np.float32)

    interpreter = Interpreter(str(arguments.model / "model.tflite"))
    synthesize = interpreter.get_signature_runner("synthesize")
    audio = synthesize(**inputs)["audio"][0]

    soundfile.write(arguments.out, audio, model["sample_rate"])
    print(f"{arguments.out}: {len(audio) / model['sample_rate']:.1f} s")


if __name__ == "__main__":
    main()
