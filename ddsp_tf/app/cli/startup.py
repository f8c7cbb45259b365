"""Preparations for a command: checks of the environment, and imports of TensorFlow."""

import contextlib
import faulthandler
import functools
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ddsp_tf.app.cli.signals import leaving_at_once
from ddsp_tf.backend.native_output import quiet
from ddsp_tf.errors import UserError

BACKENDS = ("tensorflow", "jax")


def watch_for_crashes() -> None:
    """Makes native crashes print a traceback, even if standard error is redirected later."""
    # Kept open as long as the process lives.
    faulthandler.enable(file=os.dup(2))


def print_in_any_encoding() -> None:
    """Makes standard output escape characters that its encoding lacks, as standard error does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def check_working_folder() -> None:
    """Checks that the working folder exists.

    Raises:
        UserError: If it was deleted.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise UserError(
            "the working folder no longer exists; change to another one and run the command again"
        ) from error


def started(callback: Callable, verbose: Callable[[], bool]) -> Callable:
    """Wraps a command so that Keras, TensorFlow and the modules of `--import` are imported first.

    Args:
        callback: Function of the command.
        verbose: Function that tells whether TensorFlow's start-up notes are shown.

    Returns:
        Function that does the same.
    """

    @functools.wraps(callback)
    def start_first(*arguments: Any, imports: Sequence[str] = (), **options: Any) -> Any:
        _check_keras_settings()
        if verbose():
            output: contextlib.AbstractContextManager = contextlib.nullcontext()
        else:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            output = quiet()
        with leaving_at_once(), output:
            _import_backend()
        _import_modules(imports)
        return callback(*arguments, **options)

    return start_first


def _import_modules(names: Sequence[str]) -> None:
    from ddsp_tf.configuration.experiment import import_module

    if names:
        # As with `python -m`, but after installed packages.
        sys.path.append(os.getcwd())
    for name in names:
        import_module(name)


def _check_keras_settings() -> None:
    path = _keras_settings_file()
    settings: dict[str, Any] = {}
    if os.path.isfile(path):  # Also False if the home folder of another user cannot be read.
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path}: cannot be read ({error}); correct or delete it, Keras writes a new one"
            ) from error
        settings = content if isinstance(content, dict) else {}
    floatx = settings.get("floatx", "float32")
    if floatx != "float32":
        raise UserError(f'{path}: floatx is {floatx!r}; ddsp-tf needs "float32"; change it there')
    backend, place = os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND"
    if not backend:
        backend, place = settings.get("backend", "tensorflow"), f"{path}: backend"
    if backend not in BACKENDS:
        raise UserError(f"{place} is {backend!r}; expected one of {', '.join(BACKENDS)}")


def _keras_settings_file() -> Path:
    """Returns the file that Keras reads, which is elsewhere if the home folder is read-only."""
    home = os.path.expanduser("~")
    base = home if os.access(home, os.W_OK) else "/tmp"
    return Path(os.environ.get("KERAS_HOME") or Path(base, ".keras"), "keras.json")


def _import_backend() -> None:
    try:
        import ddsp_tf.backend.jax_first
        import ddsp_tf.configuration.experiment  # noqa: F401
    except ModuleNotFoundError as error:
        name = error.name
        raise UserError(f"Python package {name!r} is missing; pip install {name}") from error
    except (ImportError, ValueError) as error:
        text = " ".join(str(error).split())
        raise UserError(f"Keras or TensorFlow cannot be imported: {text}") from error
    import tensorflow as tf

    # Listing the devices prints notes the first time.
    tf.config.list_physical_devices()
