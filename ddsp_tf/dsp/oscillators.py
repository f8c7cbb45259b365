"""Oscillators whose phase stays exact for hours.

Phase is counted in cycles; a float32 sum of radians loses its fraction within a minute.

Within a frame of `hop` samples the frequency glides linearly from f to g: sample n = 0, 1, ... has
advanced by f + (g - f) n / hop per second. Summed up to sample n that is

    (n + 1) f + (g - f) n (n + 1) / (2 hop),

so no running sum over samples is needed (`sample_phase`). A whole frame, n = hop - 1, advances by

    hop f + (g - f) (hop - 1) / 2 = ((hop + 1) f + (hop - 1) g) / 2

in units of 1 / sample_rate cycles. In units of 1 / (2 sample_rate) cycles whole Hertz therefore
advance by integers, which float32 adds without error as long as they are kept modulo one cycle,
2 sample_rate. The fractions of a Hertz are so small that their sum is off by less than a
thousandth of a cycle after an hour (`phase_of_parts`).
"""

import math

from keras import ops

from ddsp_tf.backend.execution import TRAINING, Execution, custom_gradient, in_chunks
from ddsp_tf.typing import Tensor

# Sums of a block stay below 2 ** 24 whole units for sample rates up to 262 kHz.
_BLOCK = 32
# Up to 32 ** 4 frames, 70 minutes at 250 frames/s, the plain sum of the last level has one term.
_LEVELS_IF_LENGTH_UNKNOWN = 4


def _wrap(x: Tensor, modulus: float) -> Tensor:
    return x - modulus * ops.floor(x * (1.0 / modulus))


def _wrapped_sum(increments: Tensor, modulus: float, levels: int | None = None) -> Tensor:
    """Returns the inclusive cumulative sum over the last axis, modulo `modulus`, in blocks."""
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


def frame_phase(
    f0_hz: Tensor,
    next_f0_hz: Tensor,
    hop: int,
    sample_rate: int,
    initial_phase: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Computes the phase at the start of frames, for frequencies that glide linearly between them.

    Args:
        f0_hz: Frequency at each frame in Hz, not negative [batch, frames]. Exact while 2 * hop *
            f0_hz is below 2 ** 24: up to 26 kHz at a hop of 320.
        next_f0_hz: Frequency at the following frame in Hz [batch, frames].
        hop: Samples per frame.
        sample_rate: Samples per second, at most 262144.
        initial_phase: Phase before the first sample: [batch, 1] cycles, default 0; or [batch, 2]
            in two parts, whole multiples of 1 / (2 * sample_rate) cycles and the cycles left
            over, which stay exact over any number of calls.

    Returns:
        Tuple of the phase before each frame's first sample, [batch, frames] in cycles, 0..1, and
        the phase after the last frame, in the form of `initial_phase`.

    Example:
        >>> f0_hz = ops.full((1, 4), 100.0)  # a quarter of a cycle per frame of 40 samples
        >>> phase, final = frame_phase(f0_hz, f0_hz, hop=40, sample_rate=16000)
        >>> phase.numpy().tolist(), float(final[0, 0])
        ([[0.0, 0.25, 0.5, 0.75]], 0.0)
    """
    return phase_of_parts(
        split_hz(f0_hz), split_hz(next_f0_hz), hop, sample_rate, initial_phase=initial_phase
    )


def split_hz(frequencies: Tensor) -> tuple[Tensor, ...]:
    """Splits frequencies in Hz into whole Hertz, through which no gradient flows, and fractions.

    Args:
        frequencies: Frequencies in Hz, any shape.

    Returns:
        Tuple of whole Hertz and fractions in 0..1, same shape.

    Example:
        >>> [part.numpy().tolist() for part in split_hz(ops.convert_to_tensor([440.25]))]
        [[440.0], [0.25]]
    """
    whole = ops.stop_gradient(ops.floor(frequencies))
    return whole, frequencies - whole


def phase_of_parts(
    parts: Tensor,
    next_parts: Tensor,
    hop: int,
    sample_rate: int,
    initial_phase: Tensor | None = None,
) -> Tensor:
    """Computes `frame_phase` for frequencies in two parts, where one float32 is not enough.

    Args:
        parts: Frequencies at each frame, a tuple of whole Hertz and the rest, small but of any
            sign, [batch, frames] each.
        next_parts: Frequencies at the following frame, in the same form.
        hop: Samples per frame.
        sample_rate: Samples per second, at most 262144.
        initial_phase: Phase before the first sample, as for `frame_phase`.

    Returns:
        Tuple of phases, as `frame_phase` returns it.

    Example:
        >>> parts = (ops.ones((1, 3)) * 440.0, ops.ones((1, 3)) * 0.5)
        >>> phase, _ = phase_of_parts(parts, parts, hop=100, sample_rate=1000)
        >>> [round(cycles, 3) for cycles in phase.numpy()[0].tolist()]
        [0.0, 0.05, 0.1]
    """

    def advance(here, there):
        return (hop + 1) * here + (hop - 1) * there

    modulus = 2.0 * sample_rate
    coarse = _wrapped_sum(_wrap(advance(parts[0], next_parts[0]), modulus), modulus)
    fine = _wrapped_sum(advance(parts[1], next_parts[1]) / modulus, 1.0)
    if initial_phase is not None and initial_phase.shape[-1] == 2:
        units, left_over = initial_phase[:, :1], initial_phase[:, 1:]
        initial_phase = units / modulus + left_over
        coarse, fine = _wrap(coarse + units, modulus), fine + left_over
        after = _wrap(coarse / modulus + fine, 1.0)
        carried = ops.floor(fine[:, -1:] * modulus)
        units = _wrap(coarse[:, -1:] + carried, modulus)
        final = ops.concatenate([units, fine[:, -1:] - carried / modulus], axis=1)
    else:
        if initial_phase is None:
            initial_phase = ops.zeros_like(coarse[:, :1])
        after = _wrap(coarse / modulus + fine + initial_phase, 1.0)
        final = after[:, -1:]
    return ops.concatenate([initial_phase, after[:, :-1]], axis=1), final


def sample_phase(
    phase: Tensor, f0_hz: Tensor, next_f0_hz: Tensor, hop: int, sample_rate: int
) -> Tensor:
    """Computes the phase at every sample from the phase at the start of every frame.

    The first sample of a frame has already advanced by one sample, as in the original DDSP.

    Args:
        phase: Phase in cycles [batch, frames], from `frame_phase`.
        f0_hz: Frequency at each frame in Hz [batch, frames].
        next_f0_hz: Frequency at the following frame in Hz [batch, frames].
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


def harmonic_sum(
    phase: Tensor,
    amplitudes: Tensor,
    next_amplitudes: Tensor,
    weights: Tensor,
    execution: Execution = TRAINING,
) -> Tensor:
    """Sums sines at the multiples of one phase, amplitudes crossfaded from frame to frame.

    Args:
        phase: Phase of the fundamental in cycles [batch, frames, hop].
        amplitudes: Amplitudes at each frame [batch, frames, harmonics].
        next_amplitudes: Amplitudes at the following frame [batch, frames, harmonics].
        weights: Weight of the following frame [hop] (`framing.crossfade_weights`).
        execution: Whether the sum is fused, differentiable by hand and computed in chunks.

    Returns:
        [batch, frames * hop] signal.

    Example:
        >>> amplitudes = ops.ones((1, 1, 1))
        >>> phase = ops.convert_to_tensor([[[0.25, 0.5]]])
        >>> harmonic_sum(phase, amplitudes, amplitudes, [0.0, 0.5]).numpy().round(3).tolist()
        [[1.0, -0.0]]
    """

    def signal(phase, amplitudes, next_amplitudes):
        if execution.sums_are_fused():
            return fused_harmonic_sum(phase, amplitudes, next_amplitudes, weights, execution)
        return factored_harmonic_sum(phase, amplitudes, next_amplitudes, weights)

    frames = (phase, amplitudes, next_amplitudes)
    return in_chunks(signal, phase.shape[2], *frames, execution=execution)


def fused_harmonic_sum(
    phase: Tensor,
    amplitudes: Tensor,
    next_amplitudes: Tensor,
    weights: Tensor,
    execution: Execution = TRAINING,
) -> Tensor:
    """`harmonic_sum` as one elementwise expression under one reduction.

    XLA keeps the [batch, frames, hop, harmonics] product in registers, also in the gradient: a GPU
    computes sines faster than it reads them from memory.
    """
    multiples = ops.arange(1, amplitudes.shape[-1] + 1, dtype="float32")
    weights = ops.convert_to_tensor(weights, "float32")[:, None]

    def run(phase, amplitudes, next_amplitudes):
        here, there = amplitudes[:, :, None, :], next_amplitudes[:, :, None, :]
        crossfaded = here + (there - here) * weights

        def backward(upstream):
            # Otherwise the compiler recognizes the sines of the forward pass and keeps them in
            # memory.
            angles = _angles(phase + 0.0 * upstream, multiples)
            upstream = upstream[..., None]
            by_amplitudes = upstream * ops.sin(angles)
            by_angles = upstream * ops.cos(angles) * crossfaded
            return (
                (2.0 * math.pi) * ops.sum(by_angles * multiples, axis=-1),
                ops.sum(by_amplitudes * (1.0 - weights), axis=2),
                ops.sum(by_amplitudes * weights, axis=2),
            )

        return ops.sum(ops.sin(_angles(phase, multiples)) * crossfaded, axis=-1), backward

    frames = map(ops.convert_to_tensor, (phase, amplitudes, next_amplitudes))
    signal = custom_gradient(run, execution)(*frames)
    return ops.reshape(signal, (ops.shape(phase)[0], -1))


def factored_harmonic_sum(
    phase: Tensor, amplitudes: Tensor, next_amplitudes: Tensor, weights: Tensor
) -> Tensor:
    """`harmonic_sum` by angle addition, with a quarter of the sines.

    With harmonic k = i + base * j, sin(k x) = sin(base j x) cos(i x) + cos(base j x) sin(i x), so
    the sums over i are small matrix products. With 60 harmonics on two CPU cores this takes 60 % of
    the time and half the memory of the other form, which CPUs do not fuse.
    """
    n_harmonics = amplitudes.shape[-1]
    blocks = max(round(math.sqrt(n_harmonics / 2.0)), 1)
    base = -(-n_harmonics // blocks)
    inner = _angles(phase, ops.arange(1, base + 1, dtype="float32"))
    outer = _angles(phase, base * ops.arange(blocks, dtype="float32"))
    inner_sines, inner_cosines = ops.sin(inner), ops.cos(inner)
    outer_sines, outer_cosines = ops.sin(outer), ops.cos(outer)

    def total(frames):
        frames = ops.pad(frames, [[0, 0], [0, 0], [0, blocks * base - n_harmonics]])
        frames = ops.reshape(frames, (-1, ops.shape(frames)[1], blocks, base))
        frames = ops.transpose(frames, (0, 1, 3, 2))
        cosines, sines = ops.matmul(inner_cosines, frames), ops.matmul(inner_sines, frames)
        return ops.sum(outer_sines * cosines + outer_cosines * sines, axis=-1)

    here, there = total(amplitudes), total(next_amplitudes)
    signal = here + (there - here) * ops.convert_to_tensor(weights, "float32")
    return ops.reshape(signal, (ops.shape(phase)[0], -1))


def _angles(phase, multiples):
    """Returns multiples of a phase in radians, wrapped to half a turn, [..., multiples]."""
    cycles = phase[..., None] * multiples
    return (2.0 * math.pi) * (cycles - ops.round(cycles))
