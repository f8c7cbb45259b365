"""Frames and samples: windows, crossfades, overlap-add.

Frame k describes sample k * hop; a signal of F frames has F * hop samples.
"""

import numpy as np
from keras import ops

from ddsp_tf.typing import Tensor

INTERPOLATIONS = ("hann", "linear")


def crossfade_weights(hop: int, interpolation: str = "hann") -> np.ndarray:
    """Returns the weight of the next frame at each sample between two frames.

    Args:
        hop: Samples from one frame to the next.
        interpolation: Shape of the crossfade: "linear", or "hann", a raised cosine, equal to
            overlap-adding Hann windows of two hops as in the original DDSP.

    Returns:
        [hop] weights, float32, from 0 at the frame itself towards 1 at the next one.

    Raises:
        ValueError: If the interpolation is unknown.

    Example:
        >>> crossfade_weights(4, "linear").tolist()
        [0.0, 0.25, 0.5, 0.75]
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation={interpolation!r}; expected one of {INTERPOLATIONS}")
    ramp = np.arange(hop) / hop
    if interpolation == "hann":
        ramp = 0.5 - 0.5 * np.cos(np.pi * ramp)
    return ramp.astype(np.float32)


def next_frames(frames: Tensor) -> Tensor:
    """Returns every frame's successor; the last frame is its own.

    Args:
        frames: Values per frame [batch, frames, channels].

    Returns:
        [batch, frames, channels].

    Example:
        >>> next_frames(np.array([[[1.0], [2.0], [3.0]]]))[0, :, 0].numpy().tolist()
        [2.0, 3.0, 3.0]
    """
    return ops.concatenate([frames[:, 1:], frames[:, -1:]], axis=1)


def previous_frames(before: Tensor, frames: Tensor) -> Tensor:
    """Returns every frame's predecessor.

    Args:
        before: Predecessor of the first frame [batch, 1, channels].
        frames: Values per frame [batch, frames, channels].

    Returns:
        [batch, frames, channels].

    Example:
        >>> frames = np.array([[[1.0], [2.0], [3.0]]])
        >>> previous_frames(np.zeros((1, 1, 1)), frames)[0, :, 0].numpy().tolist()
        [0.0, 1.0, 2.0]
    """
    return ops.concatenate([before, frames[:, :-1]], axis=1)


def overlap_add(frames: Tensor, hop: int) -> Tensor:
    """Adds frames that start `hop` samples apart.

    Args:
        frames: Frames of a signal [batch, frames, size]; size may exceed hop.
        hop: Samples from the start of one frame to the start of the next.

    Returns:
        [batch, frames * hop + max(size - hop, 0)] signal.

    Example:
        >>> overlap_add(np.ones((1, 3, 4), np.float32), 2).numpy().tolist()
        [[1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]]
    """
    size = frames.shape[-1]
    pieces = -(-size // hop)
    batch, n_frames = ops.shape(frames)[0], ops.shape(frames)[1]
    frames = ops.pad(frames, [[0, 0], [0, 0], [0, pieces * hop - size]])
    total = 0.0
    for piece in range(pieces):
        part = frames[:, :, piece * hop : (piece + 1) * hop]
        total = total + ops.pad(part, [[0, 0], [piece, pieces - 1 - piece], [0, 0]])
    signal = ops.reshape(total, (batch, (n_frames + pieces - 1) * hop))
    return signal[:, : n_frames * hop + max(size - hop, 0)]


def add_tail(signal: Tensor, tail: Tensor, length: int) -> tuple[Tensor, ...]:
    """Adds the tail of earlier blocks to a block's full output, and splits off the new tail.

    Args:
        signal: Output of a block with its ringing [batch, length + tail_size].
        tail: Ringing of earlier blocks [batch, tail_size].
        length: Samples of the block itself.

    Returns:
        Tuple of the finished signal [batch, length] and the new tail [batch, tail_size].

    Example:
        >>> done, tail = add_tail(np.ones((1, 5)), np.full((1, 2), 10.0), 3)
        >>> done.numpy().tolist(), tail.numpy().tolist()
        ([[11.0, 11.0, 1.0]], [[1.0, 1.0]])
    """
    # Zeros made from the signal, because not every backend can pad by a length known at run time.
    padded = ops.concatenate([tail, ops.zeros_like(signal[:, tail.shape[-1] :])], axis=1)
    total = signal + padded
    return total[:, :length], total[:, length:]


def centred_frames(audio: Tensor, size: int, hop: int) -> Tensor:
    """Cuts out one frame around each sample k * hop; beyond both ends there is silence.

    Args:
        audio: Audio [batch, samples]; batch and samples may be unknown in a graph.
        size: Samples of a frame. Frame k starts at sample k * hop - size // 2.
        hop: Samples between two frames.

    Returns:
        [batch, samples // hop, size].

    Example:
        >>> centred_frames(np.arange(1.0, 6.0)[None], size=4, hop=2).numpy().tolist()
        [[[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]]
    """
    n_frames = ops.shape(audio)[1] // hop
    padded = ops.pad(audio, [[0, 0], [size // 2, size]])
    indices = ops.arange(n_frames, dtype="int32")[:, None] * hop + np.arange(size, dtype=np.int32)
    return ops.take(padded, indices, axis=1)
