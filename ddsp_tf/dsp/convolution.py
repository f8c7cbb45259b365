"""Convolution with one long impulse response, block by block with FFTs of a fixed size."""

from keras import ops

from ddsp_tf.dsp.framing import overlap_add


def _real_fft_inverse(real, imaginary, size: int):
    """Inverse real FFT made of one forward FFT, because LiteRT has only the forward one.

    The Hartley transform H = Re - Im of the DFT is its own inverse, up to the length.
    """
    middle_real, middle_imaginary = real[..., 1:-1], imaginary[..., 1:-1]
    mirrored = ops.flip(middle_real + middle_imaginary, axis=-1)
    hartley = ops.concatenate([real - imaginary, mirrored], axis=-1)
    real, imaginary = ops.rfft(hartley, fft_length=size)
    mirrored = ops.flip((real + imaginary)[..., 1:-1], axis=-1)
    return ops.concatenate([real - imaginary, mirrored], axis=-1) * (1.0 / size)


def fft_convolve(signal, impulse_response):
    """Full linear convolution of signals with one impulse response.

    Args:
        signal: [batch, samples], any length, known only at run time if need be.
        impulse_response: [1 or batch, taps], a static number of taps.

    Returns:
        [batch, samples + taps - 1].

    Example:
        >>> import numpy as np
        >>> signal = np.array([[1.0, 2.0]], np.float32)
        >>> response = np.array([[1.0, 0.0, 3.0]], np.float32)
        >>> fft_convolve(signal, response).numpy().round(3).tolist()
        [[1.0, 2.0, 3.0, 6.0]]
    """
    taps = impulse_response.shape[-1]
    size = 2
    while size < 2 * taps:
        size *= 2
    block = size - taps + 1
    batch, samples = ops.shape(signal)[0], ops.shape(signal)[1]
    n_blocks = (samples + block - 1) // block
    padded = ops.pad(signal, [[0, 0], [0, block - 1]])[:, : n_blocks * block]
    blocks = ops.reshape(padded, (batch, n_blocks, block))
    a, b = ops.rfft(ops.pad(blocks, [[0, 0], [0, 0], [0, taps - 1]]), fft_length=size)
    padded_response = ops.pad(impulse_response, [[0, 0], [0, size - taps]])
    c, d = (part[:, None, :] for part in ops.rfft(padded_response, fft_length=size))
    result = _real_fft_inverse(a * c - b * d, a * d + b * c, size)
    return overlap_add(result, block)[:, : samples + taps - 1]
