"""Checks of the arrays that a model is given to play; each error is a single line."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError

LARGEST_SEED = (1 << 32) - 1


def checked_numbers(name: str, values: Any) -> np.ndarray:
    """Converts values from a caller to float32.

    Args:
        name: Name of the argument, for the message.
        values: Numbers: an array, a tensor, or nested lists of equal lengths.

    Returns:
        float32 array of the same shape.

    Raises:
        UserError: If the values are not real numbers.

    Example:
        >>> checked_numbers("f0_hz", [440, 441.5]).tolist()
        [440.0, 441.5]
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} is not an array of numbers ({error})") from error
    if array.size and array.dtype.kind not in "fiu":
        raise UserError(f"{name} has the type {array.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def checked_curves(model: Any, features: Mapping[str, Any], rank: int) -> dict[str, np.ndarray]:
    """Checks the curves that a model plays; the model itself silences those that are not finite.

    Args:
        model: Model that will play them; its `feature_names` are read.
        features: Dictionary with an array for every feature name, [frames] or [batch, frames];
            other entries are ignored.
        rank: Number of dimensions: 1 for [frames], 2 for [batch, frames].

    Returns:
        Dictionary of float32 arrays, one for every feature name.

    Raises:
        UserError: If a feature is missing, not numeric or empty, has another rank, or differs from
            f0_hz in length.
    """
    expected = "[frames]" if rank == 1 else "[batch, frames]"
    if not isinstance(features, Mapping):
        raise UserError(
            f"features are a {type(features).__name__}; expected a dictionary of arrays"
        )
    curves: dict[str, np.ndarray] = {}
    for name in model.feature_names:
        if name not in features:
            raise UserError(f"the features lack {name!r}, which the model needs")
        curve = checked_numbers(name, features[name])
        if curve.size == 0:
            raise UserError(f"{name} has no frames; expected at least one")
        if curve.ndim != rank:
            raise UserError(f"{name} has the shape {list(curve.shape)}; expected {expected}")
        first = next(iter(curves.values()), curve)
        if curve.shape != first.shape:
            raise UserError(
                f"{name} has the shape {list(curve.shape)}, but {next(iter(curves))} "
                f"{list(first.shape)}; expected equal lengths"
            )
        curves[name] = curve
    return curves


def checked_vectors(name: str, vectors: Any, shapes: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Checks a timbre or a mixture of instruments.

    Args:
        name: Name of the feature, for the message.
        vectors: Numbers in one of the shapes.
        shapes: Accepted shapes; the last dimension is the channels.

    Returns:
        float32 array.

    Raises:
        UserError: If the feature is not numeric or has another shape.
    """
    array = checked_numbers(name, vectors)
    if array.shape not in shapes:
        wanted = " or ".join(map(str, map(list, shapes)))
        raise UserError(
            f"{name} has the shape {list(array.shape)}; expected {wanted}, for {shapes[0][-1]} "
            "channels"
        )
    return array


def checked_seed(seed: Any) -> int:
    """Checks the seed of the noise.

    Args:
        seed: Whole number from 0 to 2**32 - 1.

    Returns:
        Seed as an int.

    Raises:
        UserError: If the seed is anything else.

    Example:
        >>> checked_seed(-1)
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: seed is -1; expected a whole number from 0 to 4294967295
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"seed is {seed!r}; expected a whole number from 0 to {LARGEST_SEED}")
    return int(seed)
