"""Several instruments in one model: mixtures, and conversion to and from plain models.

In a model of several instruments, some weights have an additional first dimension with a row for
each instrument. A mixture uses the weighted mean of the rows.
"""

import numbers
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ddsp_tf.typing import Mixture, Tensor

_LARGEST_SHARE = 1e30


def checked_instruments(names: Sequence[str]) -> tuple[str, ...]:
    """Checks the names of a model's instruments.

    Args:
        names: Names of up to 60 letters, digits, "_" and "-", which also name folders, so they must
            differ in more than case; empty for a plain model.

    Returns:
        The names.

    Raises:
        ValueError: If a name is too long, has other characters or occurs twice.

    Example:
        >>> checked_instruments(["cello", "alto_sax"])
        ('cello', 'alto_sax')
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,60}", name):
            raise ValueError(f"instrument {name!r}: expected up to 60 letters, digits, _ and -")
        if sum(name.lower() == str(other).lower() for other in names) > 1:
            raise ValueError(f"instrument {name!r}: named twice, ignoring case; expected each once")
    return names


def mixture_weights(instruments: Sequence[str], mixture: Mixture = None) -> np.ndarray:
    """Converts an instrument or a mixture of instruments to weights.

    Args:
        instruments: Names of the model's instruments.
        mixture: Name of one, or shares by name in any unit, such as {"cello": 2, "sax": 1}; None
            for equal shares of all.

    Returns:
        [instruments] float32 that add up to 1.

    Raises:
        ValueError: If a name is unknown, a share is out of range or not a number, or all are 0.

    Example:
        >>> mixture_weights(["cello", "sax"], {"cello": 3, "sax": 1}).tolist()
        [0.75, 0.25]
    """
    if not instruments:
        raise ValueError("the model has no instruments to choose from; it plays one")
    shares = dict.fromkeys(instruments, 1.0) if mixture is None else mixture
    shares = {shares: 1.0} if isinstance(shares, str) else shares
    if not isinstance(shares, Mapping):
        raise ValueError(f"instrument: found a {type(shares).__name__}; expected shares by name")
    for name, share in shares.items():
        if name not in instruments:
            raise ValueError(f"instrument {name!r}: expected one of {', '.join(instruments)}")
        if not (isinstance(share, numbers.Real) and 0.0 <= share <= _LARGEST_SHARE):
            raise ValueError(
                f"instrument {name!r}: share {share!r}; expected 0 to {_LARGEST_SHARE:g}"
            )
    if not sum(shares.values()) > 0.0:
        raise ValueError("the shares of all instruments are 0; expected one above 0")
    weights = np.array([shares.get(name, 0.0) for name in instruments], np.float64)
    return (weights / weights.sum()).astype(np.float32)


def played_mixture(instrument: Tensor | None, n_instruments: int) -> Tensor:
    """Normalizes the weights of mixtures, so that they add up to 1.

    Args:
        instrument: Weights of the instruments [batch, frames or 1, n_instruments]; negative ones
            count as 0. None, or frames in which all are 0, for equal shares.
        n_instruments: Number of instruments.

    Returns:
        [batch, frames or 1, n_instruments], with a batch of 1 if none was given.

    Example:
        >>> played_mixture(ops.convert_to_tensor([[[3.0, 1.0], [0.0, 0.0]]]), 2).numpy().tolist()
        [[[0.75, 0.25], [0.5, 0.5]]]
    """
    equal = ops.full((1, 1, n_instruments), 1.0 / n_instruments, "float32")
    if instrument is None:
        return equal
    weights = ops.maximum(instrument, 0.0)
    total = ops.sum(weights, axis=-1, keepdims=True)
    return ops.where(total > 1e-6, weights / ops.maximum(total, 1e-6), equal)


def solo(model: Any, mixture: Mixture = None) -> Any:
    """Makes a plain model of one instrument or of a mixture; see `Autoencoder.solo`.

    Args:
        model: `Autoencoder` with instruments, built.
        mixture: Instrument or mixture, as for `mixture_weights`.

    Returns:
        `Autoencoder` without instruments.

    Raises:
        ValueError: As `mixture_weights`.
    """
    weights = mixture_weights(model.instruments, mixture).astype(np.float64)
    # This also finds classes that the caller has not registered.
    classes = {type(part).__name__: type(part) for part in model._flatten_layers()}
    with keras.saving.custom_object_scope(classes):
        config = _without_instruments(keras.saving.serialize_keras_object(model))
        plain = keras.saving.deserialize_keras_object(config)
    plain.build()
    for ours, theirs in _pairs(plain, model):
        rows = ops.convert_to_numpy(theirs)
        ours.assign(rows if ours.shape == theirs.shape else np.tensordot(weights, rows, 1))
    return plain


def set_solo(model: Any, instrument: str, plain: Any) -> None:
    """Copies the weights of a plain model to an instrument of a model; the inverse of `solo`.

    Weights that the instruments share change for all of them.

    Args:
        model: `Autoencoder` with instruments, built.
        instrument: Name of one of them.
        plain: `Autoencoder` of the same sizes without instruments, built.
    """
    row = model.instruments.index(instrument)
    for theirs, ours in _pairs(plain, model):
        value = ops.convert_to_numpy(theirs)
        if ours.shape != theirs.shape:
            rows = np.array(ops.convert_to_numpy(ours))
            rows[row] = value
            value = rows
        ours.assign(value)


def _pairs(plain, model):
    """Pairs the weights of a plain model with those of a model of several instruments."""
    return zip(plain.weights, model.weights, strict=True)


def _without_instruments(config: Any) -> Any:
    if isinstance(config, dict):
        return {
            key: [] if key == "instruments" else _without_instruments(value)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return type(config)(_without_instruments(value) for value in config)
    return config
