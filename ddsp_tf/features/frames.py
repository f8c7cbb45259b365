"""Frames of recordings in arrays; `dsp.framing` does the same for tensors."""

import numpy as np
from numpy.typing import DTypeLike


def samples_between(audio: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Cuts out samples `start` to `stop` - 1; beyond both ends there is silence.

    Example:
        >>> samples_between(np.array([1.0, 2.0, 3.0]), -1, 2).tolist()
        [0.0, 1.0, 2.0]
    """
    inside = audio[max(start, 0) : max(stop, 0)]
    before = min(max(-start, 0), stop - start)
    return np.pad(inside, (before, stop - start - before - len(inside)))


def all_frames(audio: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Cuts out all frames, of which frame k is centred on sample k * hop.

    Args:
        audio: Mono audio [samples]; beyond both ends there is silence.
        size: Samples of a frame.
        hop: Samples between two frames.

    Returns:
        View [samples // hop + 1, size] of a copy of the audio.

    Example:
        >>> all_frames(np.arange(1.0, 6.0), size=4, hop=2)[:2].tolist()
        [[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]
    """
    padded = np.pad(audio, (size // 2, size - size // 2))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


def frames_between(
    audio: np.ndarray, first: int, last: int, size: int, hop: int, dtype: DTypeLike | None = None
) -> np.ndarray:
    """Cuts out frames `first` to `last` - 1, of which frame k is centred on sample k * hop.

    Args:
        audio: Mono audio [samples]; beyond both ends there is silence.
        first: Number of the first frame.
        last: Number of the frame after the last one, above `first`.
        size: Samples of a frame.
        hop: Samples between two frames.
        dtype: Type of the result; None for that of the audio.

    Returns:
        View [last - first, size] of a copy of the samples.

    Example:
        >>> frames_between(np.arange(1.0, 6.0), 0, 2, size=4, hop=2).tolist()
        [[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]
    """
    start = first * hop - size // 2
    samples = samples_between(audio, start, start + (last - 1 - first) * hop + size)
    samples = np.asarray(samples, dtype)
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
