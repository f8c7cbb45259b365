"""Frames around the samples k * hop, cut out inside a graph."""

import numpy as np
from keras import ops


def centred_frames(audio, size: int, hop: int):
    """Cuts out one frame around each sample k * hop; beyond both ends audio counts as silence.

    Args:
        audio: [batch, samples]; batch and samples may be unknown in a graph.
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
    indices = ops.arange(n_frames)[:, None] * hop + np.arange(size)
    return ops.take(padded, indices, axis=1)
