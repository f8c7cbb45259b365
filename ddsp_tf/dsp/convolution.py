"""Convolution with a long impulse response: of whole signals, and block by block.

Whole signals are cut into blocks as long as the response. A block that is much shorter than the
response is the other way round: the response is cut into parts as long as the block (uniformly
partitioned convolution), so that the transforms stay small; for the shortest blocks a matrix
product is quicker than any transform.
"""

import numpy as np
from keras import ops

from ddsp_tf.dsp.framing import overlap_add
from ddsp_tf.dsp.gradients import custom_gradient
from ddsp_tf.typing import Tensor

# Measured with 48000 taps: up to here the matrix product is quicker than partitions.
_LONGEST_DIRECT_BLOCK = 128
# Blocks of a length known only at run time are padded to this one, if they are not longer.
_LONGEST_PADDED_BLOCK = 1024


def _real_fft_inverse(real: Tensor, imaginary: Tensor, size: int) -> Tensor:
    """Inverse real FFT made of one forward FFT, because LiteRT has only the forward one.

    The Hartley transform H = Re - Im of the DFT is its own inverse, up to the length.
    """
    middle_real, middle_imaginary = real[..., 1:-1], imaginary[..., 1:-1]
    mirrored = ops.flip(middle_real + middle_imaginary, axis=-1)
    hartley = ops.concatenate([real - imaginary, mirrored], axis=-1)
    real, imaginary = ops.rfft(hartley, fft_length=size)
    mirrored = ops.flip((real + imaginary)[..., 1:-1], axis=-1)
    return ops.concatenate([real - imaginary, mirrored], axis=-1) * (1.0 / size)


def fft_convolve(signal: Tensor, impulse_response: Tensor) -> Tensor:
    """Full linear convolution, by FFTs of a size that fits the impulse response.

    Its gradient is written by hand: correlations, of spectra that exist already.

    Args:
        signal: [1 or batch, samples], any length, known only at run time if need be.
        impulse_response: [1 or batch, taps], a static number of taps. Rows are one for all only
            if their number is static.

    Returns:
        [batch, samples + taps - 1].

    Example:
        >>> signal = np.array([[1.0, 2.0]], np.float32)
        >>> response = np.array([[1.0, 0.0, 3.0]], np.float32)
        >>> fft_convolve(signal, response).numpy().round(3).tolist()
        [[1.0, 2.0, 3.0, 6.0]]
    """
    signal = ops.convert_to_tensor(signal, "float32")
    return _convolve(signal, ops.convert_to_tensor(impulse_response, "float32"))


@custom_gradient
def _convolve(signal, impulse_response):
    taps, samples = impulse_response.shape[-1], ops.shape(signal)[1]
    size = 2
    while size < 2 * taps:
        size *= 2
    block = size - taps + 1
    n_blocks = (samples + block - 1) // block
    padded = ops.pad(signal, [[0, 0], [0, block - 1]])[:, : n_blocks * block]
    blocks = ops.reshape(padded, (-1, n_blocks, block))
    a, b = ops.rfft(ops.pad(blocks, [[0, 0], [0, 0], [0, taps - 1]]), fft_length=size)
    padded_response = ops.pad(impulse_response, [[0, 0], [0, size - taps]])
    c, d = (part[:, None, :] for part in ops.rfft(padded_response, fft_length=size))
    result = _real_fft_inverse(a * c - b * d, a * d + b * c, size)
    result = overlap_add(result, block)[:, : samples + taps - 1]

    def gradients(*arguments, upstream=None):
        upstream = arguments[0] if upstream is None else upstream
        padded = ops.pad(upstream, [[0, 0], [0, 2 * block]])[:, : (n_blocks + 1) * block]
        pieces = ops.reshape(padded, (-1, n_blocks + 1, block))
        # What the output of each block, size samples, hears.
        heard = ops.concatenate([pieces[:, :-1], pieces[:, 1:]], axis=-1)[..., :size]
        e, f = ops.rfft(heard, fft_length=size)
        of_signal = _real_fft_inverse(e * c + f * d, f * c - e * d, size)[..., :block]
        of_signal = ops.reshape(of_signal, (-1, n_blocks * block))[:, :samples]
        real, imaginary = (ops.sum(x, axis=1) for x in (e * a + f * b, f * a - e * b))
        # Rows are added up before the inverse transform, so there is only one.
        real, imaginary = (
            _rows_like(impulse_response, real),
            _rows_like(impulse_response, imaginary),
        )
        of_response = _real_fft_inverse(real, imaginary, size)[..., :taps]
        return _rows_like(signal, of_signal), of_response

    return result, gradients


def _rows_like(argument, gradient):
    """Adds up the gradients of rows that were one row, used for all."""
    return ops.sum(gradient, axis=0, keepdims=True) if argument.shape[0] == 1 else gradient


def convolve_block(block: Tensor, impulse_response: Tensor) -> Tensor:
    """Full linear convolution of a block that may be much shorter than the response.

    The same numbers as `fft_convolve(block, impulse_response)`, at the cost of the block. One
    graph serves blocks of any length; one that knows its block's length is smaller and quicker.

    Args:
        block: [batch, samples], at least 1 sample.
        impulse_response: [1 or batch, taps], a static number of taps.

    Returns:
        [batch, samples + taps - 1].

    Example:
        >>> block, response = np.ones((1, 2), np.float32), np.ones((1, 4), np.float32)
        >>> convolve_block(block, response).numpy().round(3).tolist()
        [[1.0, 2.0, 2.0, 2.0, 1.0]]
    """
    block = ops.convert_to_tensor(block, "float32")
    impulse_response = ops.convert_to_tensor(impulse_response, "float32")
    if block.shape[1] is not None:
        return _convolve_static_block(block, impulse_response)

    samples, taps = ops.shape(block)[1], impulse_response.shape[-1]

    def padded_to(size):
        padded = ops.pad(block, [[0, 0], [0, size]])[:, :size]
        whole = _convolve_static_block(ops.reshape(padded, (-1, size)), impulse_response)
        return whole[:, : samples + taps - 1]

    def longer():
        return ops.cond(
            samples <= _LONGEST_PADDED_BLOCK,
            lambda: padded_to(_LONGEST_PADDED_BLOCK),
            lambda: fft_convolve(block, impulse_response),
        )

    return ops.cond(
        samples <= _LONGEST_DIRECT_BLOCK, lambda: padded_to(_LONGEST_DIRECT_BLOCK), longer
    )


def _convolve_static_block(block, impulse_response):
    samples = block.shape[1]
    if samples <= _LONGEST_DIRECT_BLOCK:
        return _convolve_directly(block, impulse_response)
    if samples < impulse_response.shape[-1]:
        return fft_convolve(impulse_response, block)
    return fft_convolve(block, impulse_response)


def _convolve_directly(block, impulse_response):
    """Convolution as one matrix product per row; see `convolve_block`."""
    samples, taps = block.shape[1], impulse_response.shape[-1]
    # Output part q, one block long, needs parts q - 1 and q of the response.
    n_parts = -(-(taps + samples - 1) // samples)
    after = n_parts * samples - taps
    padded = ops.pad(impulse_response, [[0, 0], [samples, after]])
    parts = ops.reshape(padded, (-1, n_parts + 1, samples))
    windows = ops.concatenate([parts[:, :-1], parts[:, 1:]], axis=-1)
    # Column t of the matrix weights the window's tap j by sample t + samples - j of the block.
    sample = np.arange(samples) + samples - np.arange(2 * samples)[:, None]
    outside = (sample < 0) | (sample >= samples)
    block = ops.pad(block, [[0, 0], [0, 1]])
    matrix = ops.take(block, np.where(outside, samples, sample).astype(np.int32), axis=1)
    result = ops.reshape(ops.matmul(windows, matrix), (-1, n_parts * samples))
    return result[:, : samples + taps - 1]
