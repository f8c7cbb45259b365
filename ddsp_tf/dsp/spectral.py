"""Short-time spectra."""

import numpy as np
from keras import ops


def stft_magnitude(audio, fft_size: int):
    """Magnitudes of the short-time Fourier transform, Hann windows overlapping by 75 %.

    Frame k starts at sample k * fft_size / 4; the end is padded with zeros until every sample
    begins within a frame, as in the original DDSP's spectral loss.

    Args:
        audio: [batch, samples].
        fft_size: Window and transform size in samples, a multiple of 4.

    Returns:
        [batch, ceil(samples * 4 / fft_size), fft_size / 2 + 1] magnitudes.

    Example:
        >>> stft_magnitude(np.zeros((1, 64000), np.float32), 2048).shape
        TensorShape([1, 125, 1025])
    """
    hop = fft_size // 4
    batch, samples = ops.shape(audio)[0], ops.shape(audio)[1]
    n_frames = (samples + hop - 1) // hop
    padded = ops.pad(audio, [[0, 0], [0, fft_size]])[:, : (n_frames + 3) * hop]
    quarters = ops.reshape(padded, (batch, n_frames + 3, hop))
    frames = ops.concatenate([quarters[:, i : i + n_frames] for i in range(4)], axis=-1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / fft_size)
    real, imaginary = ops.rfft(frames * window.astype(np.float32), fft_length=fft_size)
    # The square root has an infinite slope at zero; the floor, far below audibility, avoids it.
    return ops.sqrt(ops.maximum(real * real + imaginary * imaginary, 1e-20))


def log_magnitude(magnitude, floor: float = 1e-5):
    """Natural logarithm with a floor, whose gradient lives on below the floor.

    Below the floor the value is constant, as in the original's `safe_log`, but the gradient is
    that of log at the floor: an output that has fallen silent still learns to get louder.

    Args:
        magnitude: Any shape, not negative.
        floor: Smallest value that is told apart.

    Returns:
        `log(max(magnitude, floor))`, same shape.

    Example:
        >>> round(float(log_magnitude(0.0)), 4)
        -11.5129
    """
    magnitude = ops.convert_to_tensor(magnitude, "float32")
    floored = ops.stop_gradient(ops.maximum(magnitude, floor))
    return ops.log(floored) + (magnitude - ops.stop_gradient(magnitude)) / floored
