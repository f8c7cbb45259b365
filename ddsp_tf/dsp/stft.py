"""Short-time Fourier transforms."""

from functools import partial

import numpy as np
from keras import ops

from ddsp_tf.backend.division import by_clip
from ddsp_tf.backend.execution import TRAINING, Execution, custom_gradient
from ddsp_tf.dsp.framing import overlap_add
from ddsp_tf.typing import Tensor


def stft_magnitude(audio: Tensor, fft_size: int, execution: Execution = TRAINING) -> Tensor:
    """Computes STFT magnitudes with Hann windows that overlap by 75 %.

    Frame k starts at sample k * fft_size / 4, and zeros are added at the end so that every sample
    lies in the first quarter of some frame, as in the original DDSP's spectral loss. The
    hand-written gradient needs one inverse transform per frame; automatic differentiation takes
    about three times as long, because it transforms real and imaginary parts separately.

    Args:
        audio: Audio [batch, samples].
        fft_size: Window and transform size in samples, a multiple of 4.
        execution: Whether frames are cut for fusion, and the gradient is attached.

    Returns:
        [batch, ceil(samples * 4 / fft_size), fft_size / 2 + 1] magnitudes.

    Example:
        >>> stft_magnitude(np.zeros((1, 64000), np.float32), 2048).shape
        TensorShape([1, 125, 1025])
    """

    def run(audio):
        frames = _windowed_frames(audio, fft_size, execution.sums_are_fused())
        real, imaginary = by_clip(partial(ops.rfft, fft_length=fft_size), frames)
        # The floor is far below audibility and keeps the slope finite.
        magnitude = ops.sqrt(ops.maximum(real * real + imaginary * imaginary, 1e-20))

        def backward(upstream):
            slope = upstream / magnitude
            frames = _transposed_rfft(slope * real, slope * imaginary, fft_size)
            return _transposed_frames(frames, ops.shape(audio)[1])

        return magnitude, backward

    return custom_gradient(run, execution)(ops.convert_to_tensor(audio, "float32"))


def _windowed_frames(audio, fft_size, fused):
    hop = fft_size // 4
    batch, samples = ops.shape(audio)[0], ops.shape(audio)[1]
    n_frames = (samples + hop - 1) // hop
    padded = ops.pad(audio, [[0, 0], [0, fft_size]])[:, : (n_frames + 3) * hop]
    quarters = ops.reshape(padded, (batch, n_frames + 3, hop))
    if fused:
        frames = ops.concatenate([quarters[:, i : i + n_frames] for i in range(4)], axis=-1)
    else:  # A CPU would store the slices before joining them.
        places = ops.arange(n_frames, dtype="int32")[:, None] + ops.arange(4, dtype="int32")
        frames = ops.reshape(ops.take(quarters, places, axis=1), (batch, n_frames, fft_size))
    return frames * _window(fft_size)


def _transposed_frames(frames, samples):
    """The transpose of `_windowed_frames`."""
    fft_size = frames.shape[2]
    signal = overlap_add(frames * _window(fft_size), fft_size // 4)
    return signal[:, :samples]


def _transposed_rfft(real, imaginary, fft_size):
    """The transpose of a real FFT."""
    # The inverse counts all bins except the first and last twice, for their mirror images.
    halves = np.full(fft_size // 2 + 1, 0.5 * fft_size, np.float32)
    halves[[0, -1]] = fft_size
    inverse = partial(ops.irfft, fft_length=fft_size)
    return by_clip(lambda *parts: inverse(parts), real * halves, imaginary * halves)


def _window(fft_size):
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / fft_size)
    return window.astype(np.float32)


def log_magnitude(magnitude: Tensor, floor: float = 1e-5) -> Tensor:
    """Computes the natural logarithm with a floor that does not stop the gradient.

    Below the floor the value is constant, as in the original's `safe_log`, and the gradient is
    that of the logarithm at the floor: a silent output can still learn to become louder.

    Args:
        magnitude: Magnitudes of any shape, not negative.
        floor: Smallest value with a logarithm of its own.

    Returns:
        `log(max(magnitude, floor))`, same shape.

    Example:
        >>> round(float(log_magnitude(0.0)), 4)
        -11.5129
    """

    @custom_gradient
    def run(magnitude):
        floored = ops.maximum(magnitude, floor)
        return ops.log(floored), lambda upstream: upstream / floored

    return run(ops.convert_to_tensor(magnitude, "float32"))
