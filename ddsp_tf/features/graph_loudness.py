"""Loudness and power of tensors, for graphs; `loudness` does the same for arrays."""

import math

import numpy as np
from keras import ops

from ddsp_tf.dsp.framing import centred_frames
from ddsp_tf.features.loudness import FLOOR_DB, loudness_weights, padded_weights
from ddsp_tf.typing import Tensor


def graph_loudness_db(
    audio: Tensor, sample_rate: int, hop: int, fft_size: int = 512, floor_db: float = FLOOR_DB
) -> Tensor:
    """Measures A-weighted loudness per frame, as `loudness.loudness_db` does on arrays.

    It computes in float32 and agrees to 0.001 dB.

    Args:
        audio: Audio [batch, samples] in -1..1; batch and samples may be unknown in a graph.
        sample_rate: Sample rate in Hz.
        hop: Samples between two frames.
        fft_size: Window in samples.
        floor_db: Lowest level in dB.

    Returns:
        Loudness in dB, float32 [batch, samples // hop]. Frame k is centred on sample k * hop.

    Example:
        >>> sine = np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000))
        >>> round(float(graph_loudness_db(sine[None], sample_rate=16000, hop=64)[0, 100]), 1)
        19.8
    """
    frames = centred_frames(_checked(audio, hop, fft_size), fft_size, hop)
    return frames_loudness_db(frames, sample_rate, floor_db)


def frames_loudness_db(
    frames: Tensor,
    sample_rate: int,
    floor_db: float = FLOOR_DB,
    power_of_two: bool = False,
) -> Tensor:
    """Measures the loudness of given frames, as `loudness.frame_loudness_db` does on arrays.

    Args:
        frames: Audio [..., fft_size], float32.
        sample_rate: Sample rate in Hz.
        floor_db: Lowest level in dB.
        power_of_two: Whether to pad frames of other sizes to a power of two for the transform,
            because LiteRT has no others. The level is the same.

    Returns:
        Loudness in dB, float32 [...].

    Example:
        >>> frames_loudness_db(np.zeros((3, 512), np.float32), sample_rate=16000).numpy().tolist()
        [-80.0, -80.0, -80.0]
    """
    size = frames.shape[-1]
    window, weights = loudness_weights(size, sample_rate)
    fft_size = size
    if power_of_two and size & (size - 1):
        fft_size = 1 << (2 * size - 1).bit_length()
        weights = padded_weights(weights, size, fft_size)
    framed = frames * window.astype(np.float32)
    framed = ops.pad(framed, [[0, 0]] * (len(frames.shape) - 1) + [[0, fft_size - size]])
    real, imaginary = ops.rfft(framed, fft_length=fft_size)
    power = (real * real + imaginary * imaginary) * weights.astype(np.float32)
    return _to_db(ops.sum(power, axis=-1), floor_db)


def graph_power_db(
    audio: Tensor, hop: int, frame_size: int = 1024, floor_db: float = FLOOR_DB
) -> Tensor:
    """Measures the mean power per frame, as `loudness.power_db` does on arrays.

    Args:
        audio: Audio [batch, samples] in -1..1; batch and samples may be unknown in a graph.
        hop: Samples between two frames.
        frame_size: Window in samples.
        floor_db: Lowest level in dB; 0 dB is a mean square of 1.

    Returns:
        Power in dB, float32 [batch, samples // hop]. Frame k is centred on sample k * hop.

    Example:
        >>> round(float(graph_power_db(np.full((1, 4096), 0.1), hop=64)[0, 32]), 1)
        -20.0
    """
    frames = centred_frames(_checked(audio, hop, frame_size), frame_size, hop)
    return frames_power_db(frames, floor_db)


def frames_power_db(frames: Tensor, floor_db: float = FLOOR_DB) -> Tensor:
    """Measures the mean power of given frames.

    Args:
        frames: Audio [..., frame_size], float32.
        floor_db: Lowest level in dB; 0 dB is a mean square of 1.

    Returns:
        Power in dB, float32 [...].

    Example:
        >>> frames_power_db(np.full((1, 1024), 0.1, np.float32)).numpy().round(3).tolist()
        [-20.0]
    """
    return _to_db(ops.mean(frames * frames, axis=-1), floor_db)


def _checked(audio, hop: int, size: int):
    audio = ops.cast(ops.convert_to_tensor(audio), "float32")
    if len(audio.shape) != 2 or hop < 1 or size < 2:
        raise ValueError(
            "expected audio [batch, samples], hop >= 1 and a frame of >= 2 samples; "
            f"found shape {tuple(audio.shape)}, hop {hop}, frame {size}"
        )
    return audio


def _to_db(power, floor_db: float):
    return (10.0 / math.log(10.0)) * ops.log(ops.maximum(power, 10.0 ** (floor_db / 10.0)))
