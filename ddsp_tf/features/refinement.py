"""Refinement of pitch by the phases of the harmonics."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ddsp_tf.features.frames import samples_between
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

WINDOW_SECONDS = 0.064
# The window does not separate the harmonics of lower pitches.
LEAST_PERIODS = 3.0
# Time between two measurements of a phase: no partial turns by half a cycle in it.
STEP_SECONDS = 0.002
HARMONICS = 12
# Overtones above this are weak and noisy.
HIGHEST_HZ = 5000.0
LARGEST_CHANGE = 0.02
LARGEST_SPREAD = 0.01
# Largest relative change of level in one step: a note that begins or ends within the window counts
# on one side only, which hides part of its phase difference.
LARGEST_SWELL = 0.02
_MEDIAN_SECONDS = 0.036
_MEAN_SECONDS = 0.028
# As many samples as fit into the processor's cache.
_BLOCK_SAMPLES = 1 << 15


def refine_f0(
    audio: np.ndarray,
    f0_hz: np.ndarray,
    f0_confidence: np.ndarray,
    sample_rate: int,
    hop: int,
) -> np.ndarray:
    """Refines a tracker's pitch using the phases of the harmonics.

    A tracker that is off by a twentieth of a semitone at 440 Hz misses the tenth harmonic by 13 Hz.
    That is inaudible as pitch, but in any spectrum that resolves them, the synthesizer's harmonics
    then lie next to those of the recording. The phase of a harmonic gives its frequency far more
    exactly than its peak in a spectrum (Flanagan and Golden, "Phase vocoder", 1966). Each of the
    first harmonics is therefore shifted to 0 Hz along the given pitch, and the remaining rotation
    of its phase is the error of the pitch. Harmonic k turns k times as fast as the error of the
    pitch, so the variance of its estimate falls with k squared: weights are its power times k
    squared.

    Only voiced frames are measured in which the sound neither begins nor ends and the harmonics
    agree; between them, the relative change is interpolated. Pitches below 47 Hz, with fewer than
    three periods in the window, are not changed, and no pitch moves by more than 2 %.

    Args:
        audio: Mono audio [samples].
        f0_hz: Pitch in Hz [frames]; frame k describes sample k * hop.
        f0_confidence: Confidence [frames], 0..1.
        sample_rate: Sample rate in Hz.
        hop: Samples between two frames.

    Returns:
        Pitch in Hz, float32 [frames].

    Example:
        >>> audio = np.sin(2 * np.pi * 220.5 / 16000 * np.arange(16000))
        >>> refined = refine_f0(audio, np.full(250, 220.0), np.ones(250), 16000, 64)
        >>> round(float(refined[125]), 2)
        220.5
    """
    frames = len(f0_hz)
    given = np.asarray(f0_hz, np.float64)
    kernels, reach = _kernels(sample_rate, hop)
    around = np.pad(given, reach, mode="edge")
    change = np.empty(frames)
    block = max(_BLOCK_SAMPLES // hop, 1)
    for first in range(0, frames, block):
        last = min(first + block, frames)
        piece = samples_between(audio, (first - reach) * hop, (last + reach) * hop)
        pitch = around[first : last + 2 * reach]
        change[first:last] = _relative_change(piece, pitch, kernels, reach, sample_rate)
    measured = np.isfinite(change) & (np.asarray(f0_confidence) >= VOICED_CONFIDENCE)
    if not measured.any():
        return given.astype(np.float32)
    change = np.interp(np.arange(frames), np.flatnonzero(measured), change[measured])
    frame_rate = sample_rate / hop
    change = _smoothed(change, _MEDIAN_SECONDS * frame_rate, np.median)
    change = _smoothed(change, _MEAN_SECONDS * frame_rate, np.mean)
    return (given * (1.0 + np.clip(change, -LARGEST_CHANGE, LARGEST_CHANGE))).astype(np.float32)


def _relative_change(signal, f0_hz, kernels, reach, sample_rate):
    """Relative error of the pitch of some frames; NaN where the harmonics do not agree.

    The signal and the pitch have `reach` hops of context at both ends.
    """
    blocks, hop = len(f0_hz), kernels.shape[2]
    # Only phase differences within a window matter, so phases may start anywhere.
    pitch = np.interp(np.arange(blocks * hop) / hop, np.arange(blocks), f0_hz)
    phase = np.cumsum(pitch) * (2.0 * math.pi / sample_rate)
    # Sums in single precision give frequencies to 1e-8 in half the time.
    turn = np.empty(phase.size, np.complex64)
    turn.real, turn.imag = np.cos(phase), -np.sin(phase)
    shifted = signal.astype(np.complex64)
    pitch = f0_hz[reach:-reach]
    highest_hz = min(HIGHEST_HZ, 0.45 * sample_rate)
    lowest_hz = pitch.min(initial=highest_hz, where=pitch > 0.0)
    weighted, weights, squares, early, late = np.zeros((5, len(pitch)))
    for number in range(1, min(HARMONICS, int(highest_hz / lowest_hz)) + 1):
        shifted *= turn
        before, after = _windowed(shifted.reshape(blocks, hop), kernels, reach)
        product = after * np.conj(before)
        # Error of the pitch in Hz according to this harmonic.
        wrong = np.angle(product) / (2.0 * math.pi * STEP_SECONDS * number)
        weight = np.abs(product) * number**2
        weight[(number * pitch > highest_hz) | (pitch <= 0.0)] = 0.0
        weight[np.abs(wrong) > 1.5 * LARGEST_CHANGE * pitch] = 0.0
        weighted += weight * wrong
        weights += weight
        squares += weight * wrong**2
        early += np.where(weight > 0.0, np.abs(before) * number, 0.0)
        late += np.where(weight > 0.0, np.abs(after) * number, 0.0)
    floor = np.maximum(weights, 1e-20)
    mean = weighted / floor
    spread = np.sqrt(np.maximum(squares / floor - mean**2, 0.0))
    steady = np.abs(late - early) <= LARGEST_SWELL * np.maximum(late, early)
    agree = (weights > 1e-12) & (spread <= LARGEST_SPREAD * pitch)
    change = np.where(steady & agree, mean / np.maximum(pitch, 1e-9), np.nan)
    return np.where(pitch < LEAST_PERIODS / WINDOW_SECONDS, 0.0, change)


def _kernels(sample_rate, hop):
    """The windows before and after a frame, cut into hops, [hops, 2, hop]."""
    window, step = round(WINDOW_SECONDS * sample_rate), STEP_SECONDS * sample_rate
    reach = math.ceil((window + step) / (2 * hop)) + 1
    places = np.arange(-reach * hop, reach * hop)
    windows = [
        np.where(np.abs(at) < window / 2, 0.5 + 0.5 * np.cos(2.0 * math.pi * at / window), 0.0)
        for at in (places + step / 2, places - step / 2)
    ]
    kernels = np.stack(windows).reshape(2, 2 * reach, hop).transpose(1, 0, 2)
    return np.ascontiguousarray(kernels, np.float32), reach


def _windowed(blocks, kernels, reach):
    """Sums of a complex signal under both windows of every frame, [2, frames]."""
    hops, _, hop = kernels.shape
    # Two real products, because in a complex one the kernels would be complex, too.
    real, imaginary = (kernels.reshape(-1, hop) @ part.T for part in (blocks.real, blocks.imag))
    products = (real + 1j * imaginary).reshape(hops, 2, len(blocks))
    frames = len(blocks) - 2 * reach
    return sum(products[k, :, k : k + frames] for k in range(hops))


def _smoothed(values, frames, average):
    """Running average over an odd number of frames; the ends are held."""
    width = 2 * int(frames / 2) + 1
    padded = np.pad(values, width // 2, mode="edge")
    return average(sliding_window_view(padded, width), axis=-1)
