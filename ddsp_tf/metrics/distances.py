"""Distances in loudness and pitch between a rendering and its target.

The feature distances of Engel et al., "DDSP: Differentiable Digital Signal Processing" (ICLR 2020),
in numpy. Every function takes one clip [frames] or several [clips, frames]; all frames have equal
weight. If there is no frame to judge, the result is NaN.
"""

import numpy as np
from numpy.typing import ArrayLike


def loudness_l1_db(target_loudness_db: ArrayLike, loudness_db: ArrayLike) -> float:
    """Computes the mean absolute difference of loudness.

    Args:
        target_loudness_db: Loudness of the target in dB, [frames] or [clips, frames].
        loudness_db: Loudness of the rendering in dB, same shape.

    Returns:
        Distance in dB; 0 if equal.

    Raises:
        ValueError: If the shapes differ or are neither [frames] nor [clips, frames].

    Example:
        >>> loudness_l1_db([-20.0, -30.0], [-21.0, -27.0])
        2.0
    """
    target, rendered = _same_shape(target_loudness_db=target_loudness_db, loudness_db=loudness_db)
    return _mean(np.abs(rendered - target))


def f0_l1_semitones(
    target_f0_hz: ArrayLike,
    f0_hz: ArrayLike,
    target_confidence: ArrayLike,
    threshold: float = 0.8,
) -> float:
    """Computes the mean absolute difference of pitch, where the target certainly has one.

    Frames in which the rendering has no pitch cannot be measured in semitones: they are left out
    here and counted by `f0_outlier_share`, so that the two are read together.

    Args:
        target_f0_hz: Pitch of the target in Hz, [frames] or [clips, frames]; 0 means no pitch.
        f0_hz: Pitch of the rendering in Hz, same shape; 0 means no pitch.
        target_confidence: Confidence of the target's pitch, 0..1, same shape.
        threshold: Only frames whose target confidence exceeds it are judged; default 0.8.

    Returns:
        Distance in semitones; 0 if equal.

    Raises:
        ValueError: If the shapes differ or are neither [frames] nor [clips, frames].

    Example:
        >>> f0_l1_semitones([440.0, 440.0], [880.0, 440.0], [0.9, 0.9])
        6.0
    """
    deviation = _deviation_semitones(target_f0_hz, f0_hz, target_confidence, threshold)
    return _mean(deviation[np.isfinite(deviation)])


def f0_outlier_share(
    target_f0_hz: ArrayLike,
    f0_hz: ArrayLike,
    target_confidence: ArrayLike,
    threshold: float = 0.8,
    tolerance_semitones: float = 0.5,
) -> float:
    """Computes the share of judged frames whose pitch is too far off or absent in the rendering.

    Args:
        target_f0_hz: Pitch of the target in Hz, [frames] or [clips, frames]; 0 means no pitch.
        f0_hz: Pitch of the rendering in Hz, same shape; 0 means no pitch.
        target_confidence: Confidence of the target's pitch, 0..1, same shape.
        threshold: Only frames whose target confidence exceeds it are judged; default 0.8.
        tolerance_semitones: Largest difference that is not an outlier; default 0.5.

    Returns:
        Share in 0..1; 0 is best.

    Raises:
        ValueError: If the shapes differ or are neither [frames] nor [clips, frames].

    Example:
        >>> f0_outlier_share([440.0, 440.0], [880.0, 441.0], [0.9, 0.9])
        0.5
    """
    deviation = _deviation_semitones(target_f0_hz, f0_hz, target_confidence, threshold)
    return _mean(deviation > tolerance_semitones)


def f0_accuracy(
    target_f0_hz: ArrayLike,
    f0_hz: ArrayLike,
    target_confidence: ArrayLike,
    threshold: float = 0.8,
    cents: float = 50.0,
) -> float:
    """Computes the share of judged frames with the correct pitch: raw pitch accuracy.

    Args:
        target_f0_hz: Pitch of the target in Hz, [frames] or [clips, frames]; 0 means no pitch.
        f0_hz: Pitch of the rendering in Hz, same shape; 0 means no pitch.
        target_confidence: Confidence of the target's pitch, 0..1, same shape.
        threshold: Only frames whose target confidence exceeds it are judged; default 0.8.
        cents: Largest difference that counts as correct, in hundredths of a semitone; default 50.

    Returns:
        Share in 0..1; 1 is best.

    Raises:
        ValueError: If the shapes differ or are neither [frames] nor [clips, frames].

    Example:
        >>> f0_accuracy([440.0, 440.0], [441.0, 0.0], [0.9, 0.9])
        0.5
    """
    deviation = _deviation_semitones(target_f0_hz, f0_hz, target_confidence, threshold)
    return _mean(deviation <= cents / 100.0)


def _deviation_semitones(target_f0_hz, f0_hz, target_confidence, threshold) -> np.ndarray:
    """Returns deviations [judged frames] in semitones; infinite where the render has no pitch."""
    target, rendered, confidence = _same_shape(
        target_f0_hz=target_f0_hz, f0_hz=f0_hz, target_confidence=target_confidence
    )
    judged = (confidence > threshold) & (target > 0.0)
    target, rendered = target[judged], rendered[judged]
    pitched = rendered > 0.0
    deviation = np.full(target.shape, np.inf)
    deviation[pitched] = np.abs(12.0 * np.log2(rendered[pitched] / target[pitched]))
    return deviation


def _same_shape(**arrays: ArrayLike) -> list[np.ndarray]:
    converted = [np.asarray(array, np.float64) for array in arrays.values()]
    shapes = [array.shape for array in converted]
    if len(set(shapes)) > 1 or converted[0].ndim not in (1, 2):
        named = ", ".join(f"{name} {shape}" for name, shape in zip(arrays, shapes, strict=True))
        raise ValueError(f"expected equal shapes, [frames] or [clips, frames]; got {named}")
    return converted


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if values.size else float("nan")
