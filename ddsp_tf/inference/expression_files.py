"""Files with the expression of a recorded player: expression.npz, next to the model."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.expression.learned import NAMES, LearnedExpression
from ddsp_tf.expression.recorded import NAMES as NOTE_NAMES
from ddsp_tf.expression.recorded import RecordedNotes
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.inference.feature_arrays import read_arrays

NAME = "expression.npz"

PlayersExpression = RecordedNotes | LearnedExpression


def save_expression(path: str | os.PathLike, expression: PlayersExpression) -> None:
    """Writes an expression.

    Args:
        path: `.npz` file to write.
        expression: Expression to save.

    Raises:
        UserError: If the file cannot be written.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        arrays: dict[str, Any] = dict(expression.arrays)
        np.savez_compressed(file, **arrays)


def load_expression(model: str | os.PathLike) -> PlayersExpression | None:
    """Loads the expression that belongs to a model.

    Args:
        model: Folder of an exported model, run directory, or `.keras` file in a run directory.

    Returns:
        The expression, or None if the model has none.

    Raises:
        UserError: If the file is damaged.

    Example:
        >>> import ddsp_tf
        >>> load_expression(ddsp_tf.instrument("demo_violin")).count > 100
        True
    """
    model = Path(model)
    path = (model if model.is_dir() else model.parent) / NAME
    return read_expression(path) if path.is_file() else None


def read_expression(path: Path) -> PlayersExpression:
    """Reads an expression that `save_expression` wrote.

    Args:
        path: `.npz` file to read.

    Returns:
        The expression.

    Raises:
        UserError: If the file is damaged.
    """
    try:
        return _expression(read_arrays(path, NAMES, "an expression"))
    except UserError as error:
        text = str(error).removeprefix(f"{path}: ")
        raise UserError(
            f"{path}: {text}; resume the run's training, which learns it again, or export again"
        ) from error


def _expression(arrays: Mapping[str, np.ndarray]) -> PlayersExpression:
    if missing := [name for name in NOTE_NAMES if name not in arrays]:
        raise UserError(f"lacks {missing[0]!r}")
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise UserError(f"{name!r} has the type {array.dtype}, not numbers")
    return LearnedExpression(arrays) if "network" in arrays else RecordedNotes(arrays)
