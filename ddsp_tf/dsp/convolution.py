"""Convolution with a long impulse response, of whole signals and block by block.

Whole signals are cut into blocks at least as long as the response (overlap-add). For a block that
is shorter than the response, the response is cut into parts as long as the block, so that the
transforms stay small; for the shortest blocks a matrix product beats any transform.
"""

import math

import keras
import numpy as np
from keras import ops

from ddsp_tf.backend.division import by_clip
from ddsp_tf.backend.execution import TRAINING, Execution, custom_gradient
from ddsp_tf.dsp.framing import overlap_add
from ddsp_tf.typing import Tensor

# Up to this length the matrix product is faster than transforms (48000 taps).
_LONGEST_DIRECT_BLOCK = 128
# Shorter blocks of a length known only at run time are padded to this one.
_LONGEST_PADDED_BLOCK = 1024
# Turns Re + i Im into (Re - Im) + i (Re + Im), the parts of a Hartley transform; see `_inverse`.
_TURN = 1 + 1j


def fft_convolve(
    signal: Tensor,
    impulse_response: Tensor,
    tail: bool = True,
    execution: Execution = TRAINING,
) -> Tensor:
    """Linear convolution by FFTs.

    Its gradients are correlations of spectra that the forward pass has computed. Automatic
    differentiation computes these again and keeps more in memory: with gradients it takes about
    three times as long.

    Args:
        signal: Signal [1 or batch, samples]; the length may be unknown in a graph.
        impulse_response: Response [1 or batch, taps], a static number of taps. One row serves all
            rows of the signal if the number of rows is static.
        tail: Whether the result includes the ringing after the signal.
        execution: Whether the hand-written gradient is attached.

    Returns:
        [batch, samples + taps - 1], or [batch, samples] without the tail.

    Example:
        >>> signal = np.array([[1.0, 2.0]], np.float32)
        >>> response = np.array([[1.0, 0.0, 3.0]], np.float32)
        >>> fft_convolve(signal, response).numpy().round(3).tolist()
        [[1.0, 2.0, 3.0, 6.0]]
        >>> fft_convolve(signal, response, tail=False).numpy().round(3).tolist()
        [[1.0, 2.0]]
    """
    signal = ops.convert_to_tensor(signal, "float32")
    impulse_response = ops.convert_to_tensor(impulse_response, "float32")
    more = impulse_response.shape[-1] - 1 if tail else 0

    def convolve(signal, impulse_response):
        return _convolve(signal, impulse_response, more)

    return custom_gradient(convolve, execution)(signal, impulse_response)


def _convolve(signal, impulse_response, more):
    """Returns `more` samples than the signal has, and the function for the gradients."""
    taps = impulse_response.shape[-1]
    size = _transform_size(taps, signal.shape[1])
    blocks = _Blocks(signal, size - taps + 1)
    spectrum = _rfft(blocks.cut(signal), size)
    # Scaled and turned for `_inverse`; the response is the smallest of the factors.
    response = ops.expand_dims(_rfft(impulse_response, size) * (_TURN / size), 1)
    length = blocks.samples + more if blocks.is_one else size
    result = _inverse(spectrum * response, size, length)
    if blocks.is_one:
        result = ops.reshape(result, (-1, length))
    else:
        result = overlap_add(result, blocks.length)[:, : blocks.samples + more]

    def gradients(upstream):
        upstream = _rfft(blocks.spread(upstream, size), size)
        # Conjugation reverses the rotation: 1j * conj(1 + 1j) = 1j * (1 - 1j) = 1 + 1j.
        of_signal = _inverse(upstream * (ops.conj(response) * 1j), size, blocks.length)
        of_signal = ops.reshape(of_signal, (-1, blocks.count * blocks.length))
        # Rows are added before the inverse transform, so that one transform is enough.
        rows = ops.sum(upstream * ops.conj(spectrum), axis=1)
        rows = _rows_like(impulse_response, rows) * (_TURN / size)
        of_response = _inverse(rows, size, taps)
        return _rows_like(signal, of_signal[:, : blocks.samples]), of_response

    return result, gradients


def _rfft(signal, size):
    """Complex spectrum; the two real tensors of `ops.rfft` take more passes to multiply."""
    if keras.backend.backend() == "jax":
        from jax import numpy

        return by_clip(lambda clips: numpy.fft.rfft(clips, size), signal)
    import tensorflow as tf

    return tf.signal.rfft(signal, [size])


def _transform_size(taps, samples):
    """Returns the cheapest power of two; LiteRT accepts no other size."""
    smallest = 2
    while smallest < 2 * taps:
        smallest *= 2
    if samples is None:
        return smallest

    def cost(size):
        return -(-samples // (size - taps + 1)) * size * math.log2(size)

    return min((smallest, 2 * smallest, 4 * smallest), key=cost)


class _Blocks:
    """A signal cut into blocks [batch, count, length]; a short signal is a single block."""

    def __init__(self, signal, length):
        self.samples = ops.shape(signal)[1]
        self.is_one = signal.shape[1] is not None and signal.shape[1] <= length
        self.length = self.samples if self.is_one else length
        self.count = 1 if self.is_one else (self.samples + length - 1) // length

    def cut(self, signal):
        """Cuts the signal, padded at its end."""
        if self.is_one:
            return ops.expand_dims(signal, 1)
        padded = ops.pad(signal, [[0, 0], [0, self.length - 1]])
        return ops.reshape(padded[:, : self.count * self.length], (-1, self.count, self.length))

    def spread(self, result, size):
        """Cuts a result into overlapping pieces of `size` samples, one for each block."""
        if self.is_one:
            return ops.expand_dims(result, 1)
        padded = ops.pad(result, [[0, 0], [0, 2 * self.length]])
        padded = padded[:, : (self.count + 1) * self.length]
        pieces = ops.reshape(padded, (-1, self.count + 1, self.length))
        return ops.concatenate([pieces[:, :-1], pieces[:, 1:]], axis=-1)[..., :size]


def _inverse(spectrum, size, length):
    """First `length` samples of a signal whose spectrum comes multiplied by `_TURN` / size.

    The inverse transform is a forward FFT, as in `ddsp_tf.dsp.hartley`; only `length` samples are
    computed, and the two halves of the Hartley transform are the parts of the product.
    """
    mirrored = ops.flip(ops.imag(spectrum)[..., 1:-1], axis=-1)
    hartley = _rfft(ops.concatenate([ops.real(spectrum), mirrored], axis=-1), size)
    real, imaginary = ops.real(hartley), ops.imag(hartley)
    if length <= size // 2 + 1:
        return real[..., :length] - imaginary[..., :length]
    mirrored = slice(size - length + 1, size // 2)
    mirrored = ops.flip(real[..., mirrored] + imaginary[..., mirrored], axis=-1)
    return ops.concatenate([real - imaginary, mirrored], axis=-1)


def _rows_like(argument, gradient):
    """Sums the gradients of a single row that was broadcast to all rows."""
    return ops.sum(gradient, axis=0, keepdims=True) if argument.shape[0] == 1 else gradient


def convolve_block(
    block: Tensor, impulse_response: Tensor, execution: Execution = TRAINING
) -> Tensor:
    """Full linear convolution of a block that may be much shorter than the response.

    Equal to `fft_convolve(block, impulse_response)`, at a cost that depends on the block's length.
    A graph with a static length is smaller and faster than one for any length.

    Args:
        block: Block of a signal, [batch, samples], at least 1 sample.
        impulse_response: Response [1 or batch, taps], a static number of taps.
        execution: Whether hand-written gradients are attached.

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
        return _convolve_static_block(block, impulse_response, execution)

    samples, taps = ops.shape(block)[1], impulse_response.shape[-1]

    def padded_to(size):
        padded = ops.pad(block, [[0, 0], [0, size]])[:, :size]
        whole = _convolve_static_block(ops.reshape(padded, (-1, size)), impulse_response, execution)
        return whole[:, : samples + taps - 1]

    def longer():
        return ops.cond(
            samples <= _LONGEST_PADDED_BLOCK,
            lambda: padded_to(_LONGEST_PADDED_BLOCK),
            lambda: fft_convolve(block, impulse_response, execution=execution),
        )

    return ops.cond(
        samples <= _LONGEST_DIRECT_BLOCK, lambda: padded_to(_LONGEST_DIRECT_BLOCK), longer
    )


def _convolve_static_block(block, impulse_response, execution):
    samples = block.shape[1]
    if samples <= _LONGEST_DIRECT_BLOCK:
        return _convolve_directly(block, impulse_response)
    if samples < impulse_response.shape[-1]:
        return fft_convolve(impulse_response, block, execution=execution)
    return fft_convolve(block, impulse_response, execution=execution)


def _convolve_directly(block, impulse_response):
    """Convolution as one matrix product per row."""
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
