"""Checks of the features that a model is given to play."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from ddsp_tf.models.sanitizing import sanitized
from ddsp_tf.typing import Tensor


def check_features(model: Any, features: Mapping[str, Any]) -> list[str]:
    """Checks names and shapes, as far as they are known before computation.

    Args:
        model: The `Autoencoder` that will play the features.
        features: Features as the caller gave them.

    Returns:
        Names of the features that the model plays.

    Raises:
        ValueError: If a feature is missing, of another rank, or of another length than f0_hz.
    """
    if not isinstance(features, Mapping):
        raise ValueError(
            f"features are a {type(features).__name__}; expected a dictionary with "
            f"{', '.join(model.feature_names)}"
        )
    names = [*model.feature_names]
    for name in names:
        if name not in features:
            raise ValueError(f"the features lack {name!r}, which the model needs")
    names += [name for name in ("noise", *model.optional_feature_names) if name in features]
    f0_shape: tuple = _shape(features["f0_hz"])
    for name in names:
        expected = _expected_shape(model, name, f0_shape)
        if not _fits(_shape(features[name]), expected):
            raise ValueError(
                f"{name} has the shape {_text(_shape(features[name]))}; expected {_text(expected)}"
                + ("" if name == "f0_hz" else f", because f0_hz has {_text(f0_shape)}")
            )
    return names


def float32_features(model: Any, features: Mapping[str, Any]) -> dict[str, Tensor]:
    """Returns those features that a model plays, checked, as float32 tensors.

    Args:
        model: The `Autoencoder` that will play the features.
        features: Features as the caller gave them.

    Returns:
        Dictionary of tensors.

    Raises:
        ValueError: As `check_features`.
    """
    names = check_features(model, features)
    tensors = {name: ops.convert_to_tensor(features[name]) for name in names}
    return {name: ops.cast(tensor, "float32") for name, tensor in tensors.items()}


def clean_features(model: Any, features: Mapping[str, Any]) -> dict[str, Tensor]:
    """Returns the same features, with meaningless numbers silenced: see `sanitized`."""
    return sanitized(float32_features(model, features), model.sample_rate, model.hop)


def _shape(value: Any) -> tuple:
    shape = getattr(value, "shape", None)
    if shape is None:
        return tuple(ops.convert_to_tensor(value).shape)
    # TensorFlow knows tensors whose rank is unknown.
    return tuple(shape) if getattr(shape, "rank", 0) is not None else (None, None)


def _expected_shape(model: Any, name: str, f0_shape: tuple) -> tuple:
    batch, frames = f0_shape if len(f0_shape) == 2 else ("batch", "frames")
    if name in ("noise", "audio"):
        samples = frames * model.hop if isinstance(frames, int) else None
        return batch, samples
    if name in model.vector_sizes:
        return batch, frames, model.vector_sizes[name]
    return batch, frames


def _fits(shape: tuple, expected: tuple) -> bool:
    if len(shape) != len(expected):
        return False
    # A vector of one frame applies to all.
    open_frames = (None, 1) if len(shape) == 3 else (None,)
    return all(
        wanted is None or size in (wanted, *(open_frames if place == 1 else (None,)))
        for place, (size, wanted) in enumerate(zip(shape, expected, strict=True))
    )


def _text(shape: tuple) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
