"""Decimation: a low-pass filter that computes only every n-th output."""

import math

import numpy as np
from keras import ops

from ddsp_tf.typing import Tensor

# Edges of pass band and stop band, as fractions of the lower sample rate.
_PASSED, _STOPPED = 0.42, 0.58
_ATTENUATION_DB = 60.0


def decimation_filter(factor: int) -> np.ndarray:
    """Designs the low-pass filter for `decimate`, with a Kaiser window.

    Args:
        factor: Ratio of the two sample rates.

    Returns:
        Symmetric filter, float32 [odd number of taps]; [1.0] for a factor of 1. Its delay is half
        its length.

    Example:
        >>> taps = decimation_filter(3)
        >>> taps.size, round(float(taps.sum()), 6)
        (69, 1.0)
    """
    if factor == 1:
        return np.ones(1, np.float32)
    width = 2.0 * np.pi * (_STOPPED - _PASSED) / factor
    half = math.ceil((_ATTENUATION_DB - 8.0) / (2.285 * width) / 2.0)
    cutoff = (_PASSED + _STOPPED) / factor
    window = np.kaiser(2 * half + 1, 0.1102 * (_ATTENUATION_DB - 8.7))
    taps = np.sinc(cutoff * np.arange(-half, half + 1)) * window
    return (taps / taps.sum()).astype(np.float32)


def decimate(audio: Tensor, taps: np.ndarray, factor: int) -> Tensor:
    """Filters audio and keeps every n-th sample.

    Args:
        audio: Audio [batch, taps - factor + n * factor]: earlier samples that the filter needs, and
            those of n outputs.
        taps: Filter from `decimation_filter`.
        factor: Ratio of the two sample rates.

    Returns:
        [batch, n]; output k is the filtered sound `taps.size // 2` samples before sample
        `taps.size - 1 + k * factor` of the audio.

    Example:
        >>> ramp = np.arange(69.0 - 3 + 6, dtype=np.float32)[None]
        >>> np.asarray(decimate(ramp, decimation_filter(3), 3)).round(3).tolist()
        [[34.0, 37.0]]
    """
    if factor == 1:
        return audio
    return ops.conv(audio[:, :, None], taps[:, None, None], strides=factor, padding="valid")[
        :, :, 0
    ]
