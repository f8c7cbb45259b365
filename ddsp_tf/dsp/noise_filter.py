"""Time-varying FIR filters given by magnitudes at equally spaced frequencies.

Each frame is filtered by a symmetric (zero-phase) impulse response, so there is no delay. The steps
from magnitudes to a windowed response and to its spectrum, and the DFT of a frame and back, are
linear, so they are constant matrices here: exact, differentiable on every backend, and available in
every export (LiteRT has no inverse FFT).
"""

import functools

import numpy as np
from keras import ops

from ddsp_tf.dsp.framing import add_tail, overlap_add
from ddsp_tf.typing import State, Tensor


def response_radius(n_bands: int) -> int:
    """Returns how many samples the response of `n_bands` magnitudes reaches to each side.

    Args:
        n_bands: Number of magnitudes, at least 2.

    Returns:
        Number of samples.

    Example:
        >>> response_radius(65)
        64
    """
    return n_bands - 1


@functools.cache
def _response_matrix(n_bands: int) -> np.ndarray:
    """Matrix from magnitudes to the windowed zero-phase response, [n_bands, 2 * radius + 1]."""
    radius = response_radius(n_bands)
    lag = np.arange(-radius, radius + 1)
    band = np.arange(n_bands)[:, None]
    # Inverse DFT of a real, even spectrum of 2 * radius points: the inner bands count twice.
    weight = np.where((band == 0) | (band == radius), 1.0, 2.0) / (2 * radius)
    window = 0.5 + 0.5 * np.cos(np.pi * lag / radius)
    return weight * np.cos(np.pi * band * lag / radius) * window


def impulse_response(magnitudes: Tensor) -> Tensor:
    """Computes the zero-phase impulse response of magnitudes, by windowed frequency sampling.

    Args:
        magnitudes: Gains [..., n_bands] at equally spaced frequencies from 0 Hz to Nyquist.

    Returns:
        [..., 2 * n_bands - 1] taps; the middle one is time zero.

    Example:
        >>> impulse_response(np.ones((1, 3), np.float32)).numpy().round(3).tolist()
        [[0.0, 0.0, 1.0, 0.0, 0.0]]
    """
    matrix = _response_matrix(magnitudes.shape[-1]).astype(np.float32)
    return ops.matmul(magnitudes, ops.convert_to_tensor(matrix))


@functools.cache
def response_gains(n_bands: int, n_frequencies: int) -> np.ndarray:
    """Returns the matrix from magnitudes to the filter's gains at any number of frequencies.

    Args:
        n_bands: Number of magnitudes, at least 2.
        n_frequencies: Number of frequencies, at least 2, equally spaced from 0 Hz to Nyquist.

    Returns:
        [n_bands, n_frequencies], float64; gains may be negative.

    Example:
        >>> (np.array([1.0, 0.0, 0.0]) @ response_gains(3, 5)).round(3).tolist()
        [0.5, 0.427, 0.25, 0.073, 0.0]
    """
    radius = response_radius(n_bands)
    lag = np.arange(-radius, radius + 1)[:, None]
    angle = np.pi * np.arange(n_frequencies) / (n_frequencies - 1)
    return _response_matrix(n_bands) @ np.cos(lag * angle)


@functools.cache
def _filter_matrices(n_bands: int, hop: int) -> tuple[np.ndarray, ...]:
    """Constant matrices that filter one frame of `hop` samples.

    Returns:
        gain [n_bands, bins], analysis [hop, 2 * bins], synthesis [2 * bins, hop + 2 * radius].
    """
    radius = response_radius(n_bands)
    size = hop + 2 * radius
    bins = size // 2 + 1
    k = np.arange(bins)
    lag = np.arange(-radius, radius + 1)[:, None]
    gain = _response_matrix(n_bands) @ np.cos(2 * np.pi * k * lag / size)
    # The frame's first sample is time 0; the output starts radius samples earlier.
    angle_in = 2 * np.pi * np.arange(hop)[:, None] * k / size
    analysis = np.concatenate([np.cos(angle_in), -np.sin(angle_in)], axis=1)
    angle_out = 2 * np.pi * k[:, None] * (np.arange(size) - radius) / size
    weight = np.full((bins, 1), 2.0 / size)
    weight[0] = 1.0 / size
    if size % 2 == 0:
        weight[-1] = 1.0 / size
    synthesis = np.concatenate([weight * np.cos(angle_out), -weight * np.sin(angle_out)])
    return tuple(matrix.astype(np.float32) for matrix in (gain, analysis, synthesis))


def _part_size(n_bands: int, hop: int) -> int:
    """Returns the divisor of the hop that costs the fewest multiplications per sample.

    A frame can be filtered in parts. With s samples and radius r there are s + 2 r points and half
    as many complex bins: s (s + 2 r) products for the analysis, (s + 2 r)^2 for the synthesis. Per
    sample that is (s + 2 r) (2 s + 2 r) / s = 2 s + 6 r + 4 r^2 / s.
    """
    radius = response_radius(n_bands)
    sizes = [size for size in range(1, hop + 1) if hop % size == 0]
    return min(sizes, key=lambda size: size + 2 * radius * radius / size)


def filter_frames(signal: Tensor, magnitudes: Tensor, hop: int) -> Tensor:
    """Filters each frame of a signal by its own magnitudes and overlap-adds the results.

    Args:
        signal: Signal [batch or 1, frames * hop], usually white noise in [-1, 1].
        magnitudes: Gains from 0 Hz to Nyquist [batch or 1, frames, n_bands].
        hop: Samples per frame.

    Returns:
        [batch, frames * hop + 2 * radius] signal that starts `radius` samples before the input's
        first sample, radius = `response_radius(n_bands)`.

    Example:
        >>> impulse = np.zeros((1, 8), np.float32); impulse[0, 3] = 1.0
        >>> flat = np.ones((1, 2, 3), np.float32)
        >>> filter_frames(impulse, flat, hop=4).numpy().argmax(axis=1).tolist()  # 3 + radius 2
        [5]
    """
    n_bands = magnitudes.shape[-1]
    part = _part_size(n_bands, hop)
    gain, analysis, synthesis = (
        ops.convert_to_tensor(matrix) for matrix in _filter_matrices(n_bands, part)
    )
    n_parts = ops.shape(magnitudes)[1] * (hop // part)
    parts = ops.reshape(signal, (ops.shape(signal)[0], n_parts, part))
    gains = ops.matmul(magnitudes, gain)
    gains = ops.concatenate([gains, gains], axis=-1)
    if part < hop:
        shares = ops.tile(gains[:, :, None, :], (1, 1, hop // part, 1))
        gains = ops.reshape(shares, (ops.shape(magnitudes)[0], n_parts, gains.shape[-1]))
    return overlap_add(ops.matmul(ops.matmul(parts, analysis) * gains, synthesis), part)


def filter_block(signal: Tensor, magnitudes: Tensor, hop: int, state: State) -> tuple[Tensor, ...]:
    """Filters one block of frames; consecutive blocks join without a seam.

    Args:
        signal: Signal [batch, frames * hop].
        magnitudes: Gains from 0 Hz to Nyquist [batch, frames, n_bands].
        hop: Samples per frame.
        state: State of the filter: "tail" [batch, 2 * radius], the ringing of earlier blocks, and
            "gate" [batch, radius], 0 for samples before time 0; all zeros at the start.

    Returns:
        Tuple of the filtered signal [batch, frames * hop], `radius` samples late, and the new
        state.

    Example:
        >>> impulse = np.float32([[1.0, 0.0, 0.0, 0.0]])
        >>> state = {"tail": ops.zeros((1, 4)), "gate": ops.zeros((1, 2))}
        >>> late, state = filter_block(impulse, np.ones((1, 2, 3), np.float32), 2, state)
        >>> late.numpy().round(3).tolist()
        [[0.0, 0.0, 1.0, 0.0]]
    """
    result = filter_frames(signal, magnitudes, hop)
    length = ops.shape(magnitudes)[1] * hop
    done, tail = add_tail(result, state["tail"], length)
    # A zero-phase filter rings before its input, but an offline signal starts at time 0.
    gate = ops.concatenate([state["gate"], ops.ones_like(done)], axis=1)
    return done * gate[:, :length], {"tail": tail, "gate": gate[:, length:]}
