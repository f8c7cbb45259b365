"""Saving and loading of trained models."""

import os
from pathlib import Path

import keras

from ddsp_tf import losses, models, processors  # noqa: F401  (registers the classes with Keras)
from ddsp_tf.backend.weight_limits import weights_limited
from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.keras_archive import check_keras_archive
from ddsp_tf.models import Autoencoder
from ddsp_tf.typing import Mixture


def save_model(model: Autoencoder, path: str | os.PathLike) -> None:
    """Saves a model in float32, whatever precision it was trained with.

    Args:
        model: Model to save.
        path: `.keras` file to write; an earlier one is replaced when the new one is complete.

    Raises:
        UserError: If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        _in_float32(model).save(temporary)


def _in_float32(model: Autoencoder) -> Autoencoder:
    config = keras.saving.serialize_keras_object(model)
    plain = _without_mixed_precision(config)
    if plain == config:
        return model
    copy = keras.saving.deserialize_keras_object(plain)
    copy.set_weights(model.get_weights())
    return copy


def _without_mixed_precision(config):
    if isinstance(config, dict):
        return {key: _without_mixed_precision(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_mixed_precision(value) for value in config)
    return "float32" if config in ("mixed_bfloat16", "mixed_float16") else config


def load_model(path: str | os.PathLike, instrument: Mixture = None) -> Autoencoder:
    """Loads a trained model from a run directory or a `.keras` file.

    The file is inspected before Keras opens it, so that it cannot run code, read other files or
    request unbounded memory: see `check_keras_archive`. Classes of your own must be registered with
    `keras.saving.register_keras_serializable`. The model is not compiled.

    Args:
        path: Run directory, whose best model is loaded, or `.keras` file.
        instrument: Instrument to return as a plain model, for a model with several: a name, or
            shares by name for a mixture. None for the model as it is.

    Returns:
        Model, ready to play.

    Raises:
        UserError: If there is no model, the file does not contain an `Autoencoder`, or the model
            has no such instrument.

    Example:
        >>> load_model("no_such_run")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: no_such_run: not found; expected a run directory or a .keras file
    """
    path = Path(path)
    if path.is_dir():
        file, mixture = RunDirectory(path).model_source()
        if mixture and not file.is_file():
            raise UserError(
                f"{path}: is one instrument of a run, whose model {file} is missing; copy the "
                "whole run, or export the instrument"
            )
        if not file.is_file():
            raise UserError(f"{path}: no best.keras in it; train first, or name a run directory")
        if mixture and instrument is not None:
            raise UserError(f"{path}: is one instrument already; name the run of all of them")
        path, instrument = file, mixture if instrument is None else instrument
    if not path.is_file():
        raise UserError(f"{path}: not found; expected a run directory or a .keras file")
    count = check_keras_archive(path)
    try:
        more = (
            f"{path}: its configuration asks for more weights than the {count} numbers in the file"
        )
        with weights_limited(count, more):
            model = keras.models.load_model(path, compile=False, safe_mode=True)
    except UserError:
        raise
    except Exception as error:  # Keras raises many types for a damaged file.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path}: cannot be loaded as a model ({reason})") from error
    if not isinstance(model, Autoencoder):
        raise UserError(f"{path}: holds a {type(model).__name__}; expected an Autoencoder")
    if instrument is None:
        return model
    try:
        return model.solo(instrument)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
