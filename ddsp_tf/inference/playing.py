"""From a feature file or a recording, through any kind of model, to an audio file."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ddsp_tf.audio.files import read_audio
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import tracker_difference
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.feature_files import SUFFIXES, load_features, load_tracker
from ddsp_tf.inference.rendering import synthesize


def load_player(path: str | os.PathLike) -> tuple[Any, FeatureExtractor]:
    """Loads whatever can be played, and the extractor of the features it was trained on.

    Args:
        path: An exported model's folder, a run directory, or a `.keras` file.

    Returns:
        Tuple of an `ExportedModel` or an `Autoencoder`, which both have `feature_names`,
        `sample_rate`, `frame_rate`, `hop`, `latency`, `initial_state` and `stream`; and a
        `FeatureExtractor`.

    Raises:
        UserError: If there is nothing to play at the path.
    """
    path = Path(path)
    if (path / "model.json").is_file():
        from ddsp_tf.inference.exported_model import ExportedModel

        player = ExportedModel(path)
        return player, FeatureExtractor.from_description(player.description["feature_extractor"])
    from ddsp_tf.inference.model_files import load_model

    player, run = load_model(path), RunDirectory(path)
    if run.record.exists():
        return player, FeatureExtractor.from_description(run.read()["extractor"])
    return player, FeatureExtractor(player.sample_rate, player.frame_rate)


def load_ranges(path: str | os.PathLike) -> dict:
    """Reads which pitches and levels a model was trained on.

    Args:
        path: An exported model's folder or a run directory.

    Returns:
        Statistics of the training data, `ddsp_tf.data.statistics.dataset_statistics`.

    Raises:
        UserError: If the model does not say.
    """
    path, run = Path(path), RunDirectory(path)
    if (path / "model.json").is_file():
        from ddsp_tf.files.export_description import read_description

        ranges = read_description(path)["feature_ranges"]
    else:
        ranges = run.read().get("feature_statistics") if run.record.exists() else None
    if not ranges:
        raise UserError(
            f"{path}: does not say what it was trained on, which a transfer needs; expected a run "
            "directory or the export of a run"
        )
    return ranges


def read_curves(
    path: str | os.PathLike,
    player: Any,
    extractor: FeatureExtractor,
    on_warning: Callable[[str], None] = warnings.warn,
) -> dict[str, np.ndarray]:
    """Reads features from a feature file, or measures them on a recording.

    Pitch that another tracker measured than the model's, or another version of it, is warned of.
    Curves of other frame rates are brought to the model's.

    Args:
        path: `.npz`, `.csv`, `.json`, or audio.
        player: From `load_player`; says which features and frame rate are wanted.
        extractor: From `load_player`; measures the features of audio.
        on_warning: Called with the text of a warning.

    Returns:
        Dictionary of [frames] arrays.

    Raises:
        UserError: If the file is not usable.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        curves = extractor.extract(read_audio(path, extractor.sample_rate))
        _warn(on_warning, path, extractor.tracker_change())
        return curves
    curves, _ = load_features(path, player.frame_rate)
    missing = [name for name in player.feature_names if name not in curves]
    if missing:
        raise UserError(f"{path}: no {missing[0]!r} in it, which the model needs")
    tracker = load_tracker(path)
    if tracker and extractor.recorded_tracker:
        _warn(on_warning, path, tracker_difference(extractor.recorded_tracker, tracker))
    return curves


def _warn(on_warning, path, text):
    if text:
        on_warning(f"{path}: {text}")


def play_to_file(
    player: Any,
    curves: dict[str, np.ndarray],
    out: str | os.PathLike,
    seed: int = 0,
    on_progress: Callable[[int], None] | None = None,
) -> float:
    """Plays features block by block into an audio file.

    Args:
        player: From `load_player`.
        curves: Dictionary of [frames] arrays.
        out: The file; its suffix says which format, such as .wav or .flac.
        seed: Seed of the noise.
        on_progress: Called with the whole seconds done.

    Returns:
        Seconds of audio written.

    Raises:
        UserError: If the format is unknown or the file cannot be written.
    """
    out = Path(out)
    if out.suffix.lstrip(".").upper() not in soundfile.available_formats():
        raise UserError(f"{out}: unknown audio format {out.suffix!r}; expected .wav or .flac")
    samples = 0
    try:
        with (
            atomic_path(out) as temporary,
            soundfile.SoundFile(temporary, "w", player.sample_rate, channels=1) as file,
        ):
            for block in synthesize(player, curves, seed):
                file.write(block)
                samples += len(block)
                if on_progress:
                    on_progress(samples // player.sample_rate)
    except soundfile.SoundFileError as error:
        # Of a full disk it only says "System error.".
        raise UserError(f"{out}: cannot be written ({error}); is there room for it?") from error
    return samples / player.sample_rate
