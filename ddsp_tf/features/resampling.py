"""Resampling of curves and breakpoints to frames."""

from collections.abc import Mapping

import numpy as np


def resample_curves(
    times: np.ndarray, curves: Mapping[str, np.ndarray], frame_rate: float
) -> dict[str, np.ndarray]:
    """Interpolates curves at evenly spaced times.

    Pitch is interpolated in semitones, other curves linearly. A point without pitch (0 Hz) extends
    halfway to its neighbours.

    Args:
        times: Times in seconds, increasing [points].
        curves: Dictionary of [points] arrays, such as "f0_hz" and "loudness_db".
        frame_rate: Frames per second of the result, which lasts from the first time to the last.

    Returns:
        Dictionary of float32 [frames] arrays.

    Example:
        >>> drawn = {"f0_hz": np.array([110.0, 440.0]), "loudness_db": np.array([-30.0, -10.0])}
        >>> frames = resample_curves(np.array([0.0, 1.0]), drawn, frame_rate=2)
        >>> frames["f0_hz"].tolist(), frames["loudness_db"].tolist()
        ([110.0, 220.0, 440.0], [-30.0, -20.0, -10.0])
    """
    times = np.asarray(times, np.float64) - times[0]
    # A frame that rounding puts just after the last point counts.
    count = int(np.floor(times[-1] * frame_rate + 1e-6)) + 1
    at = np.arange(count) / frame_rate
    resampled = {name: np.interp(at, times, curve) for name, curve in curves.items()}
    if "f0_hz" in curves:
        resampled["f0_hz"] = _pitch_at(at, times, np.asarray(curves["f0_hz"], np.float64))
    return {name: curve.astype(np.float32) for name, curve in resampled.items()}


def _pitch_at(at: np.ndarray, times: np.ndarray, f0_hz: np.ndarray) -> np.ndarray:
    pitched = f0_hz > 0.0
    octaves = np.log2(np.where(pitched, f0_hz, 1.0))
    glide = 2.0 ** np.interp(at, times, octaves)
    between = np.interp(at, times, pitched.astype(np.float64)) == 1.0
    nearest = np.searchsorted(0.5 * (times[1:] + times[:-1]), at)
    return np.where(between, glide, f0_hz[nearest])
