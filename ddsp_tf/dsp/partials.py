"""Banks of sines with unrelated frequencies, each with its own exact phase."""

import functools
import math

from keras import ops

from ddsp_tf.backend.execution import TRAINING, Execution, in_chunks
from ddsp_tf.dsp.oscillators import phase_of_parts
from ddsp_tf.typing import Tensor

# Shifts are split at 1 / 1024: the product with whole Hertz is exact up to 16 kHz of detuning.
_SHIFT_STEPS = 1024.0


def detuning_hz(f0_hz: Tensor, shifts: Tensor) -> tuple[Tensor, ...]:
    """Computes the distances of shifted harmonics from the exact ones in Hz: f0 * k * shift.

    Rounding the product to float32 would cost up to a cycle after an hour; its two parts are exact.

    Args:
        f0_hz: Fundamental frequency in Hz [batch, frames, 1].
        shifts: Relative shifts [batch, frames, harmonics]: harmonic k sounds at f0 * k * (1 +
            shift).

    Returns:
        Tuple of whole Hertz and the rest, [batch, frames, harmonics] each.

    Example:
        >>> whole, rest = detuning_hz(ops.full((1, 1, 1), 400.5), ops.full((1, 1, 2), 0.125))
        >>> whole.numpy().tolist(), rest.numpy().tolist()
        ([[[50.0, 100.0]]], [[[0.0625, 0.125]]])
    """
    multiples = ops.arange(1, shifts.shape[-1] + 1, dtype="float32")
    whole_f0 = ops.stop_gradient(ops.floor(f0_hz))
    coarse = ops.stop_gradient(ops.round(shifts * _SHIFT_STEPS)) / _SHIFT_STEPS
    exact = whole_f0 * multiples * coarse
    whole = ops.floor(exact)
    rest = (f0_hz - whole_f0) * multiples * coarse + f0_hz * multiples * (shifts - coarse)
    return whole, exact - whole + rest


def partial_phase(
    parts: Tensor,
    next_parts: Tensor,
    hop: int,
    sample_rate: int,
    initial_phase: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Computes the phase of every partial at the start of every frame; frequencies glide linearly.

    Args:
        parts: Frequencies as a tuple of whole Hertz and the rest, [batch, frames, partials] each.
        next_parts: Frequencies at the following frame, in the same form.
        hop: Samples per frame.
        sample_rate: Samples per second, at most 262144.
        initial_phase: Phase before the first sample [batch, 2, partials], in two parts as for
            `oscillators.frame_phase`, default 0.

    Returns:
        Tuple of the phase before each frame's first sample, [batch, frames, partials] in cycles,
        0..1, and the phase after the last frame, [batch, 2, partials].

    Example:
        >>> from ddsp_tf.dsp.oscillators import split_hz
        >>> parts = split_hz(ops.convert_to_tensor([[[100.0, 50.0], [100.0, 50.0]]]))
        >>> partial_phase(parts, parts, hop=40, sample_rate=16000)[0].numpy().tolist()
        [[[0.0, 0.0], [0.25, 0.125]]]
    """
    partials = parts[0].shape[-1]

    def fold(value):  # [batch, frames, partials] -> [batch * partials, frames]
        return ops.reshape(ops.transpose(value, (0, 2, 1)), (-1, ops.shape(value)[1]))

    def unfold(value):
        shape = (-1, partials, ops.shape(value)[1])
        return ops.transpose(ops.reshape(value, shape), (0, 2, 1))

    if initial_phase is None:
        initial_phase = ops.zeros((ops.shape(parts[0])[0], 2, partials), "float32")
    phase, final = phase_of_parts(
        [fold(part) for part in parts],
        [fold(part) for part in next_parts],
        hop,
        sample_rate,
        initial_phase=fold(initial_phase),
    )
    return unfold(phase), unfold(final)


def partial_sum(
    phase: Tensor,
    frequencies: Tensor,
    next_frequencies: Tensor,
    amplitudes: Tensor,
    next_amplitudes: Tensor,
    weights: Tensor,
    sample_rate: int,
    fundamental: Tensor | None = None,
    execution: Execution = TRAINING,
) -> Tensor:
    """Sums sines whose frequencies glide and whose amplitudes are crossfaded.

    Args:
        phase: Phase in cycles at the start of every frame [batch, frames, partials], from
            `partial_phase`.
        frequencies: Frequencies in Hz at each frame [batch, frames, partials].
        next_frequencies: Frequencies in Hz at the following frame [batch, frames, partials].
        amplitudes: Amplitudes at each frame [batch, frames, partials].
        next_amplitudes: Amplitudes at the following frame [batch, frames, partials].
        weights: Weight of the following frame [hop] (`framing.crossfade_weights`).
        sample_rate: Samples per second.
        fundamental: Phase of the fundamental in cycles [batch, frames, hop], optional; its
            multiples 1, 2, ... are added to the phases.
        execution: Whether the sum is computed in chunks.

    Returns:
        [batch, frames * hop] signal.

    Example:
        >>> one, f = ops.ones((1, 1, 1)), ops.full((1, 1, 1), 4000.0)
        >>> signal = partial_sum(0.0 * one, f, f, one, one, [0.0, 0.5], 16000)
        >>> signal.numpy().round(3).tolist()
        [[1.0, -0.0]]
    """
    frames = [phase, frequencies, next_frequencies, amplitudes, next_amplitudes]
    frames += [] if fundamental is None else [fundamental]
    weights = ops.convert_to_tensor(weights, "float32")[:, None]
    signal = functools.partial(_sum_of_frames, weights=weights, sample_rate=sample_rate)
    return in_chunks(signal, weights.shape[0], *frames, execution=execution)


def _sum_of_frames(
    phase,
    frequencies,
    next_frequencies,
    amplitudes,
    next_amplitudes,
    fundamental=None,
    *,
    weights,
    sample_rate,
):
    hop = weights.shape[0]
    n = ops.arange(hop, dtype="float32")[:, None]
    linear, quadratic = (n + 1.0) / sample_rate, n * (n + 1.0) / (2.0 * hop * sample_rate)
    here, glide = frequencies[:, :, None, :], (next_frequencies - frequencies)[:, :, None, :]
    cycles = phase[:, :, None, :] + here * linear + glide * quadratic
    if fundamental is not None:
        multiples = ops.arange(1, amplitudes.shape[-1] + 1, dtype="float32")
        harmonic_cycles = fundamental[..., None] * multiples
        cycles = cycles + (harmonic_cycles - ops.round(harmonic_cycles))
    sines = ops.sin((2.0 * math.pi) * (cycles - ops.round(cycles)))
    here, there = amplitudes[:, :, None, :], next_amplitudes[:, :, None, :]
    signal = ops.sum(sines * (here + (there - here) * weights), axis=-1)
    return ops.reshape(signal, (ops.shape(phase)[0], -1))
