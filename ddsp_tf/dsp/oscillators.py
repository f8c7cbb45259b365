"""Oscillators whose phase stays exact for hours.

Phase is counted in cycles. A float32 sum of radians loses its fraction within a minute; here the
sum over frames is split in two. The whole Hertz of f0 advance the phase by whole multiples of
1 / (2 * sample_rate) cycles per frame, which float32 adds without any error while they are kept
modulo one cycle; the fractions of a Hertz are so small that their sum is off by less than a
thousandth of a cycle after an hour. Within a frame the phase has a closed form, so no running sum
over samples exists.
"""

import math

from keras import ops

# Sums of a block stay below 2 ** 24 whole units for sample rates up to 262 kHz.
_BLOCK = 32
# 32 ** 4 frames are 70 minutes at 250 frames/s before the last, plain sum has a second term.
_LEVELS_IF_LENGTH_UNKNOWN = 4


def _wrap(x, modulus: float):
    return x - modulus * ops.floor(x * (1.0 / modulus))


def _wrapped_sum(increments, modulus: float, levels: int | None = None):
    """Inclusive cumulative sum over the last axis, modulo `modulus`, in blocks."""
    static = increments.shape[-1]
    if levels is None:
        levels = _LEVELS_IF_LENGTH_UNKNOWN
        if static is not None:
            levels = max(math.ceil(math.log(max(static, 1), _BLOCK)) - 1, 0)
    if levels == 0:
        return _wrap(ops.cumsum(increments, axis=-1), modulus)
    batch, length = ops.shape(increments)[0], ops.shape(increments)[-1]
    n_blocks = (length + _BLOCK - 1) // _BLOCK
    padded = ops.pad(increments, [[0, 0], [0, _BLOCK - 1]])[:, : n_blocks * _BLOCK]
    within = ops.cumsum(ops.reshape(padded, (batch, n_blocks, _BLOCK)), axis=-1)
    through = _wrapped_sum(_wrap(within[:, :, -1], modulus), modulus, levels - 1)
    before = ops.pad(through, [[0, 0], [1, 0]])[:, :-1]
    total = _wrap(within + before[:, :, None], modulus)
    return ops.reshape(total, (batch, n_blocks * _BLOCK))[:, :length]


def frame_phase(f0_hz, next_f0_hz, hop: int, sample_rate: int, initial_phase=None):
    """Phase at the start of every frame, for frequencies that glide linearly between frames.

    Args:
        f0_hz: [batch, frames] frequency at each frame, Hz, not negative. Exact while
            2 * hop * f0_hz is below 2 ** 24: up to 26 kHz at a hop of 320.
        next_f0_hz: [batch, frames] frequency at the following frame, Hz.
        hop: Samples per frame.
        sample_rate: Samples per second, at most 262144.
        initial_phase: [batch, 1] phase before the first sample in cycles, default 0.

    Returns:
        Tuple of the phase before each frame's first sample, [batch, frames], and after the last
        frame, [batch, 1]; in cycles, 0..1.

    Example:
        >>> f0_hz = ops.full((1, 4), 100.0)  # a quarter of a cycle per frame of 40 samples
        >>> phase, final = frame_phase(f0_hz, f0_hz, hop=40, sample_rate=16000)
        >>> phase.numpy().tolist(), float(final[0, 0])
        ([[0.0, 0.25, 0.5, 0.75]], 0.0)
    """

    def advance(here, there):
        # Sum of the hop instantaneous frequencies, in units of 1 / (2 * sample_rate) cycles.
        return (hop + 1) * here + (hop - 1) * there

    modulus = 2.0 * sample_rate
    whole, next_whole = (ops.stop_gradient(ops.floor(f)) for f in (f0_hz, next_f0_hz))
    coarse = _wrapped_sum(_wrap(advance(whole, next_whole), modulus), modulus)
    fine = _wrapped_sum(advance(f0_hz - whole, next_f0_hz - next_whole) / modulus, 1.0)
    after = coarse / modulus + fine
    if initial_phase is None:
        initial_phase = ops.zeros_like(after[:, :1])
    after = _wrap(after + initial_phase, 1.0)
    return ops.concatenate([initial_phase, after[:, :-1]], axis=1), after[:, -1:]


def sample_phase(phase, f0_hz, next_f0_hz, hop: int, sample_rate: int):
    """Phase at every sample, from the phase at the start of every frame.

    The first sample of a frame has already advanced by one sample's worth of frequency, as in
    the original DDSP.

    Args:
        phase: [batch, frames] cycles, from `frame_phase`.
        f0_hz: [batch, frames] Hz.
        next_f0_hz: [batch, frames] Hz.
        hop: Samples per frame.
        sample_rate: Samples per second.

    Returns:
        [batch, frames, hop] phase in cycles, not wrapped.

    Example:
        >>> f0_hz = ops.full((1, 1), 4000.0)
        >>> sample_phase(ops.zeros((1, 1)), f0_hz, f0_hz, 4, 16000).numpy().tolist()
        [[[0.25, 0.5, 0.75, 1.0]]]
    """
    n = ops.arange(hop, dtype="float32")
    linear = (n + 1.0) / sample_rate
    quadratic = n * (n + 1.0) / (2.0 * hop * sample_rate)
    glide = next_f0_hz - f0_hz
    return phase[:, :, None] + f0_hz[:, :, None] * linear + glide[:, :, None] * quadratic


def harmonic_sum(phase, amplitudes, next_amplitudes, weights):
    """Sums sines at the multiples of one phase, amplitudes crossfaded from frame to frame.

    Written as one elementwise expression under one reduction, so that XLA keeps the
    [batch, frames, hop, harmonics] product in registers.

    Args:
        phase: [batch, frames, hop] phase of the fundamental in cycles.
        amplitudes: [batch, frames, harmonics] at each frame.
        next_amplitudes: [batch, frames, harmonics] at the following frame.
        weights: [hop] weight of the following frame (`framing.crossfade_weights`).

    Returns:
        [batch, frames * hop] signal.

    Example:
        >>> amplitudes = ops.ones((1, 1, 1))
        >>> phase = ops.convert_to_tensor([[[0.25, 0.5]]])
        >>> harmonic_sum(phase, amplitudes, amplitudes, [0.0, 0.5]).numpy().round(3).tolist()
        [[1.0, -0.0]]
    """
    harmonics = ops.arange(1, amplitudes.shape[-1] + 1, dtype="float32")
    cycles = phase[..., None] * harmonics
    sines = ops.sin((2.0 * math.pi) * (cycles - ops.round(cycles)))
    weights = ops.convert_to_tensor(weights, "float32")[:, None]
    here, there = amplitudes[:, :, None, :], next_amplitudes[:, :, None, :]
    signal = ops.sum(sines * (here + (there - here) * weights), axis=-1)
    return ops.reshape(signal, (ops.shape(phase)[0], -1))
