"""Tracking of long recordings chunk by chunk, so that memory does not grow with length."""

from collections.abc import Callable

import numpy as np

from ddsp_tf.features.frames import samples_between


def track_in_chunks(
    audio: np.ndarray,
    hop: int,
    chunk_frames: int,
    context_frames: int,
    track: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Tracks chunk by chunk, with enough context that the result is the same as for the whole.

    Args:
        audio: Mono audio [samples].
        hop: Samples between two frames.
        chunk_frames: Number of frames in a chunk, without its context.
        context_frames: Frames added on each side; silence before the recording's start.
        track: Function from audio [samples] to pitch and confidence, [samples // hop] each.

    Returns:
        Pitch and confidence, float32 [samples // hop] each.

    Example:
        >>> def level(piece):
        ...     frames = piece.reshape(-1, 2)
        ...     return frames[:, 0], frames[:, 1]
        >>> track_in_chunks(np.arange(10.0), 2, 2, 1, level)[0].tolist()
        [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    frames = audio.size // hop
    pitch_hz, confidence = np.zeros((2, frames), np.float32)
    for first in range(0, frames, chunk_frames):
        last = min(first + chunk_frames, frames)
        end = min(last + context_frames, frames)
        piece = samples_between(audio, (first - context_frames) * hop, end * hop)
        kept = slice(context_frames, context_frames + last - first)
        pitch_hz[first:last], confidence[first:last] = (part[kept] for part in track(piece))
    return pitch_hz, confidence
