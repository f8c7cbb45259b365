"""Tracking long recordings a stretch at a time, so that memory does not grow with them."""

from collections.abc import Callable

import numpy as np


def track_in_stretches(
    audio: np.ndarray,
    hop: int,
    stretch_frames: int,
    context_frames: int,
    track: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Tracks stretch by stretch, each with enough around it to give what the whole would.

    Args:
        audio: Mono [samples].
        hop: Samples between two frames.
        stretch_frames: Frames of a stretch, without its surroundings.
        context_frames: Frames that are added at each side; silence beyond the recording's start.
        track: Takes audio [samples], gives pitch and confidence [samples // hop] each.

    Returns:
        Pitch and confidence, float32 [samples // hop] each.

    Example:
        >>> def level(piece):
        ...     frames = piece.reshape(-1, 2)
        ...     return frames[:, 0], frames[:, 1]
        >>> track_in_stretches(np.arange(10.0), 2, 2, 1, level)[0].tolist()
        [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    frames = audio.size // hop
    pitch_hz, confidence = np.zeros((2, frames), np.float32)
    for first in range(0, frames, stretch_frames):
        last = min(first + stretch_frames, frames)
        start = (first - context_frames) * hop
        piece = audio[max(start, 0) : min(last + context_frames, frames) * hop]
        piece = np.pad(piece, (max(-start, 0), 0))
        kept = slice(context_frames, context_frames + last - first)
        pitch_hz[first:last], confidence[first:last] = (part[kept] for part in track(piece))
    return pitch_hz, confidence
