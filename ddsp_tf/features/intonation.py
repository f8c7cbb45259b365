"""Pitch correction of notes."""

import itertools

import numpy as np

from ddsp_tf.features.notes import spans
from ddsp_tf.units import hz_to_midi, midi_to_hz

_MEDIAN_SECONDS = 0.2
_RAMP_SECONDS = 0.02


def correct_pitch(
    f0_hz: np.ndarray, notes: np.ndarray, frame_rate: float, amount: float = 1.0
) -> np.ndarray:
    """Moves each note towards the nearest note of equal temperament (A = 440 Hz).

    The correction follows the median over a fifth of a second, so vibrato and slides remain.

    Args:
        f0_hz: Pitch in Hz [frames].
        notes: Mask of the frames that belong to notes, bool [frames]; others do not move.
        frame_rate: Frames per second.
        amount: Amount of correction, from 0 (no change) to 1 (in tune).

    Returns:
        float32 [frames].

    Example:
        >>> correct_pitch(np.full(50, 450.0), np.ones(50, bool), 100)[25].round(1)
        np.float32(440.0)
    """
    if amount == 0.0:
        return f0_hz.astype(np.float32)
    midi = np.asarray(hz_to_midi(np.maximum(f0_hz, 1.0)))
    correction = np.zeros_like(midi)
    width = max(round(_MEDIAN_SECONDS * frame_rate) // 2, 1)
    for first, end in spans(notes):
        padded = np.pad(midi[first:end], width, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1)
        centre = np.median(windows, axis=1)
        nearest = np.round(centre)
        # One correction for each steady span; a continuous one would turn slides into steps.
        for start, stop in _constant(nearest):
            steady = np.median(centre[start:stop])
            correction[first + start : first + stop] = nearest[start] - steady
    ramp = max(round(_RAMP_SECONDS * frame_rate), 1)
    for first, end in spans(notes):
        padded = np.pad(correction[first:end], ramp, mode="edge")
        correction[first:end] = np.convolve(padded, np.ones(2 * ramp + 1) / (2 * ramp + 1), "valid")
    moved = np.asarray(midi_to_hz(midi + amount * correction))
    return np.where(notes, moved, f0_hz).astype(np.float32)


def _constant(values: np.ndarray) -> list[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return list(itertools.pairwise(edges))
