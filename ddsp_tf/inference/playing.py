"""Playing a feature file or a recording through any kind of model, into an audio file."""

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ddsp_tf.audio.reading import read_audio
from ddsp_tf.audio.writing import output_format
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import tracker_difference
from ddsp_tf.files.atomic import atomic_path, recover
from ddsp_tf.files.export_description import NAME as EXPORT_NAME
from ddsp_tf.files.export_description import read_description
from ddsp_tf.files.names import native_name
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.feature_files import SUFFIXES, load_features, load_tracker
from ddsp_tf.inference.output_file import check_output
from ddsp_tf.inference.rendering import synthesize
from ddsp_tf.typing import Mixture

# -80 dBFS: inaudible.
_SILENT = 1.01e-4


def load_player(
    path: str | os.PathLike, instrument: Mixture = None
) -> tuple[Any, FeatureExtractor]:
    """Loads a model of any kind, and the extractor of the features that it was trained on.

    Args:
        path: Folder of an exported model, run directory, or `.keras` file. For a `.keras` file in a
            run directory, the extractor is that of the run.
        instrument: Instrument that plays, for a model with several: a name, or shares by name for a
            mixture. None for the model as it is.

    Returns:
        Tuple of an `ExportedModel` or an `Autoencoder`, which both have `feature_names`,
        `sample_rate`, `frame_rate`, `hop`, `latency`, `initial_state` and `stream`; and a
        `FeatureExtractor`.

    Raises:
        UserError: If there is nothing to play at the path, it is not safe to load, or it has no
            such instrument.

    Example:
        >>> import ddsp_tf
        >>> player, extractor = load_player(ddsp_tf.instrument("demo_violin"))
        >>> player.feature_names, extractor.frame_rate
        (('f0_hz', 'loudness_db'), 100)
    """
    path = Path(path)
    if not path.exists():
        # A process was killed while replacing an export.
        recover(path)
    if (path / EXPORT_NAME).is_file():
        from ddsp_tf.inference.exported_model import ExportedModel

        player = ExportedModel(path, instrument)
        return player, _extractor(path / EXPORT_NAME, player.description.feature_extractor, player)
    from ddsp_tf.inference.model_files import load_model

    player, run = load_model(path, instrument), _run_of(path)
    described = run.read().get("extractor") if run.record.exists() else None
    return player, _extractor(run.record, described, player)


def _run_of(path: Path) -> RunDirectory:
    return RunDirectory(path if path.is_dir() else path.parent)


def _extractor(path: Path, described: dict | None, player: Any) -> FeatureExtractor:
    if described is None:
        return FeatureExtractor(player.sample_rate, player.frame_rate)
    try:
        return FeatureExtractor.from_description(described)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: does not describe its feature extractor as ddsp-tf does ({error!r}); export "
            "or train the model again"
        ) from error


def load_ranges(path: str | os.PathLike) -> dict:
    """Reads the range of pitches and levels that a model was trained on.

    Args:
        path: Folder of an exported model, run directory, or `.keras` file in a run directory.

    Returns:
        Statistics of the training data, `ddsp_tf.data.statistics.dataset_statistics`.

    Raises:
        UserError: If the model does not contain them.

    Example:
        >>> import ddsp_tf
        >>> load_ranges(ddsp_tf.instrument("demo_violin"))["f0_midi"]["mean"] > 60.0
        True
    """
    path = Path(path)
    if (path / EXPORT_NAME).is_file():
        ranges = read_description(path).feature_ranges
    else:
        run = _run_of(path)
        ranges = run.read().get("feature_statistics") if run.record.exists() else None
    if not ranges:
        raise UserError(
            f"{path}: does not say what it was trained on, which transfers and MIDI files need; "
            "expected a run directory or the export of a run"
        )
    return ranges


def read_curves(
    path: str | os.PathLike,
    player: Any,
    extractor: FeatureExtractor,
    on_warning: Callable[[str], None] = warnings.warn,
) -> dict[str, np.ndarray]:
    """Reads features from a feature file, or measures them in a recording.

    Warns if the pitch comes from another tracker than the model's, or from another version of it.
    Resamples curves to the model's frame rate.

    Args:
        path: Feature file (`.npz`, `.csv`, `.json`) or recording.
        player: Model from `load_player`; determines the features and the frame rate.
        extractor: Extractor from `load_player`; measures recordings.
        on_warning: Function called with the text of a warning.

    Returns:
        Dictionary of [frames] arrays.

    Raises:
        UserError: If the file is not usable.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        audio = read_audio(path, extractor.sample_rate, minimum_seconds=1 / extractor.frame_rate)
        curves = extractor.extract(audio)
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
    on_progress: Callable[[int, int, str], None] | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
) -> float:
    """Plays features block by block into an audio file; see `write_blocks`.

    Args:
        player: Model from `load_player`.
        curves: Dictionary of [frames] arrays.
        out: Audio file to write; its suffix decides the format, such as .wav or .flac.
        seed: Seed of the noise, 0 to 2**32 - 1.
        on_progress: Function called as `on_progress(seconds done, seconds in total, "")`, in whole
            seconds.
        on_warning: Function called with the text of a warning.

    Returns:
        Seconds of audio written.

    Raises:
        UserError: If the curves cannot be played, or `write_blocks` refuses.

    Example:
        >>> import tempfile, ddsp_tf
        >>> player, _ = load_player(ddsp_tf.instrument("demo_violin"))
        >>> curves = {"f0_hz": np.full(50, 440.0), "loudness_db": np.full(50, -20.0)}
        >>> play_to_file(player, curves, Path(tempfile.mkdtemp()) / "tone.wav")
        0.5
    """

    def advance(seconds: int) -> None:
        total = -(-len(curves["f0_hz"]) * player.hop // player.sample_rate)
        if on_progress:
            on_progress(seconds, total, "")

    blocks = synthesize(player, curves, seed)
    return write_blocks(blocks, player.sample_rate, out, advance, on_warning)


def write_blocks(
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    out: str | os.PathLike,
    on_progress: Callable[[int], None] | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
) -> float:
    """Writes audio to a file block by block.

    Warns if samples were clipped, or if the output is silent.

    Args:
        blocks: Blocks of float32 audio.
        sample_rate: Samples per second.
        out: Audio file to write; its suffix decides the format, such as .wav or .flac.
        on_progress: Function called with the whole seconds done.
        on_warning: Function called with the text of a warning.

    Returns:
        Seconds of audio written.

    Raises:
        UserError: If the format is unknown or does not support the sample rate, or the file cannot
            be written.

    Example:
        >>> import tempfile
        >>> blocks = [np.full(800, 0.5, np.float32)] * 2
        >>> write_blocks(blocks, 16000, Path(tempfile.mkdtemp()) / "click.wav")
        0.1
    """
    out = Path(out)
    kind, encoding = output_format(out, sample_rate)
    check_output(out, [])
    samples, clipped, peak = 0, 0, 0.0
    try:
        with (
            atomic_path(out) as temporary,
            soundfile.SoundFile(
                native_name(temporary), "w", sample_rate, 1, encoding, format=kind
            ) as file,
        ):
            for block in blocks:
                file.write(block)
                samples += len(block)
                clipped += int(np.count_nonzero(np.abs(block) > 1.0))
                peak = max(peak, float(np.abs(block).max()))
                if on_progress:
                    on_progress(samples // sample_rate)
    except soundfile.SoundFileError as error:
        # If the disk is full, libsndfile only reports "System error.".
        raise UserError(f"{out}: cannot be written ({error}); is there room for it?") from error
    if clipped:
        _warn(
            on_warning,
            out,
            f"{clipped / samples:.2%} of the samples are clipped; the sound is "
            f"{20 * np.log10(peak):.1f} dB above full scale: lower the levels by that much",
        )
    elif peak <= _SILENT:
        _warn(on_warning, out, "is silent: the curves have no level that the model responds to")
    return samples / sample_rate
