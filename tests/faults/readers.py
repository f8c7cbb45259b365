"""Functions that read each kind of file, and a hash of what they read."""

import hashlib
from pathlib import Path

import numpy as np


def digest(kind: str, path: str) -> str:
    """Reads a file with what the library reads such files with; returns a hash of the result."""
    return _hash(READERS[kind](Path(path)))


def _hash(value) -> str:
    found = hashlib.sha256()
    for item in value if isinstance(value, (list, tuple)) else [value]:
        item = np.ascontiguousarray(item) if isinstance(item, np.ndarray) else repr(item).encode()
        found.update(item)
    return found.hexdigest()


def _recording(path):
    from ddsp_tf import read_audio

    return read_audio(path, 16000)


def _features(path):
    from ddsp_tf import load_features

    curves, rate = load_features(path, 100)
    return [rate, *(curves[name] for name in sorted(curves))]


def _dataset(path):
    from ddsp_tf.data.pipeline import clips

    folder = path if path.is_dir() else path.parent
    found = []
    for features, audio in clips(folder, split="train", clip_frames=100).as_numpy_iterator():
        found += [*(features[name] for name in sorted(features)), audio]
    return found


def _run(path):
    from ddsp_tf.files.run_directory import RunDirectory

    return RunDirectory(path.parent).read()


def _configuration(path):
    from ddsp_tf import load_experiment

    return load_experiment(str(path)).text


def _checkpoint(path):
    from ddsp_tf.training.checkpoint import Checkpoint

    return Checkpoint(path.parent).latest_step()


def _model(path):
    from ddsp_tf import load_model

    return load_model(path).get_weights()


def _evaluation(path):
    from ddsp_tf.evaluation.record import read_evaluation
    from ddsp_tf.files.run_directory import RunDirectory

    return read_evaluation(RunDirectory(path.parent))


def _description(path):
    from ddsp_tf.files.export_description import read_description

    return read_description(path.parent)


def _export(path):
    from ddsp_tf import load_player

    folder = next(parent for parent in path.parents if (parent / "model.json").exists())
    player, _ = load_player(folder)
    frames = {name: np.full((1, 10), 200.0, np.float32) for name in player.feature_names}
    noise = np.zeros((1, 10 * player.hop), np.float32)
    audio, _ = player.stream({**frames, "noise": noise}, player.initial_state(1))
    return np.asarray(audio)


READERS = {
    "recording": _recording,
    "features": _features,
    "dataset": _dataset,
    "run": _run,
    "configuration": _configuration,
    "checkpoint": _checkpoint,
    "model": _model,
    "evaluation": _evaluation,
    "description": _description,
    "export": _export,
}
