"""Checks of the curves that users pass in as arrays."""

from collections.abc import Mapping, Sequence

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.loudness import FLOOR_DB

LEVELS = ("loudness_db", "power_db")


def checked_curves(
    curves: Mapping[str, np.ndarray], levels: Sequence[str] = LEVELS
) -> dict[str, np.ndarray]:
    """Checks curves of pitch and level, and returns them as float32.

    Args:
        curves: Dictionary of [frames] arrays: "f0_hz", one of `levels` at least, and others.
        levels: Names of the levels, one of which is required; empty if only the pitch is.

    Returns:
        The same curves. Frames whose pitch is not finite get no pitch; those whose level is not
        finite become silent.

    Raises:
        UserError: If a curve is missing, not numeric or empty, or differs from f0_hz in length.

    Example:
        >>> curves = checked_curves({"f0_hz": [440.0, float("nan")], "loudness_db": [-20, -20]})
        >>> curves["f0_hz"].tolist()
        [440.0, 0.0]
    """
    if not isinstance(curves, Mapping):
        raise UserError(f"curves are a {type(curves).__name__}; expected a dictionary of arrays")
    checked = {}
    for name, curve in curves.items():
        try:
            checked[name] = np.asarray(curve, np.float32)
        except (TypeError, ValueError) as error:
            raise UserError(f"{name} is not an array of numbers ({error})") from error
    level = [name for name in levels if name in checked] or list(levels)
    for name in ("f0_hz", *level[:1]):
        if name not in checked:
            raise UserError(f"the curves lack {name!r}; found {', '.join(checked) or 'nothing'}")
    shape = checked["f0_hz"].shape
    for name in ("f0_hz", "f0_confidence", *LEVELS):
        if name in checked and (checked[name].shape != shape or len(shape) != 1 or shape == (0,)):
            raise UserError(
                f"{name} has the shape {list(checked[name].shape)}, f0_hz {list(shape)}; expected "
                "[frames] of equal lengths, at least one"
            )
    for name in ("f0_hz", "f0_confidence", *LEVELS):
        if name in checked:
            empty = np.float32(FLOOR_DB if name in LEVELS else 0.0)
            checked[name] = np.where(np.isfinite(checked[name]), checked[name], empty)
    return checked
