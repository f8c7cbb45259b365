"""Checks of a processor's inputs, made before anything is computed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops


def as_float32(label: str, value: Any, signal: bool = False) -> Any:
    """Converts an array, a number or a tensor to float32; other values pass unchanged.

    Args:
        label: Name of the value in messages.
        value: Array, number or tensor, or a tuple of them.
        signal: Whether the value is audio, which must not be integers.

    Returns:
        float32 tensor.

    Raises:
        ValueError: If an array has values that are not finite, or a signal holds integers.

    Example:
        >>> as_float32("f0_hz", 440).dtype
        tf.float32
    """
    if isinstance(value, tuple):
        return tuple(as_float32(label, part, signal) for part in value)
    if signal and "int" in str(getattr(value, "dtype", "")):
        raise ValueError(f"{label} holds {value.dtype}; expected floats in -1..1")
    if isinstance(value, np.ndarray) and not np.isfinite(value).all():
        place = [int(k) for k in np.argwhere(~np.isfinite(value))[0]]
        raise ValueError(f"{label} is {value[tuple(place)]} at {place}; expected finite numbers")
    if isinstance(value, (np.ndarray, np.generic, float, int)):
        return ops.convert_to_tensor(value, "float32")
    if ops.is_tensor(value):
        return ops.cast(value, "float32")
    return value


def shape_of(value: Any) -> tuple[int | None, ...]:
    """Returns the static shape of a tensor, an array or a number."""
    return tuple(getattr(value, "shape", ()))


def check_shapes(processor: Any, shapes: Mapping[str, tuple[int | None, ...]]) -> None:
    """Refuses inputs whose shapes cannot belong together, as far as they are known.

    Args:
        processor: The `Processor`.
        shapes: Shapes of its inputs by name.

    Raises:
        ValueError: If a rank or a number of channels is not the expected one, or numbers of
            frames and samples do not agree.

    Example:
        >>> from ddsp_tf.processors import FirFilter
        >>> check_shapes(FirFilter(n_bands=5), {"signal": (1, 128), "magnitudes": (1, 2, 5)})
    """
    frames, samples = {}, {}
    for name, size in {"f0_hz": 1, **processor.input_sizes}.items():
        shape = shapes.get(name)
        if shape is None:
            continue
        if len(shape) != 3 or shape[2] not in (None, size):
            raise ValueError(
                f"{processor.name}: {name} has shape {shape}; expected [batch, frames, {size}]"
            )
        frames[name] = shape[1]
    for name, shape in shapes.items():
        if processor.input_names is None or name in processor.signal_names:
            if len(shape) != 2:
                raise ValueError(
                    f"{processor.name}: {name} has shape {shape}; expected [batch, samples]"
                )
            samples[name] = shape[1]
    _check_equal(processor, "frames", frames, 1)
    _check_equal(processor, "samples", samples, None)
    n_frames = next((count for count in frames.values() if count not in (None, 1)), None)
    n_samples = next((count for count in samples.values() if count is not None), None)
    if None not in (n_frames, n_samples) and n_samples != n_frames * processor.hop:
        raise ValueError(
            f"{processor.name}: {next(iter(samples))} has {n_samples} samples; expected "
            f"{n_frames} frames * hop={processor.hop} = {n_frames * processor.hop}"
        )


def _check_equal(processor, unit, counts, for_all):
    known = {name: n for name, n in counts.items() if n not in (None, for_all)}
    first = next(iter(known), None)
    for name, count in known.items():
        if count != known[first]:
            raise ValueError(
                f"{processor.name}: {name} has {count} {unit}, but {first} has {known[first]}"
            )


def signal_shape(processor: Any, shapes: Mapping[str, tuple[int | None, ...]]) -> tuple:
    """Returns the shape of a processor's signal.

    Args:
        processor: The `Processor`.
        shapes: Shapes of its inputs by name.

    Returns:
        (batch, samples), None where not known.

    Example:
        >>> from ddsp_tf.processors import FilteredNoise
        >>> signal_shape(FilteredNoise(n_bands=5), {"noise_magnitudes": (None, 10, 5)})
        (None, 640)
    """
    sizes = {"f0_hz": 1, **processor.input_sizes}
    signals = processor.signal_names if processor.input_names is not None else tuple(shapes)
    batches = [s[0] for name, s in shapes.items() if name in sizes or name in signals]
    batch = next((n for n in batches if n not in (None, 1)), None if None in batches else 1)
    samples = [shapes[name][1] for name in signals if name in shapes]
    frames = [shapes[name][1] for name in sizes if name in shapes]
    n_frames = next((n for n in frames if n not in (None, 1)), None if None in frames else 1)
    if samples:
        length = next((n for n in samples if n is not None), None)
    else:
        length = None if n_frames is None else n_frames * processor.hop
    return batch, None if length is None else max(length - processor.removed_samples, 0)
