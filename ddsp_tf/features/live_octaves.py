"""Octave errors of live pitch, recognized by missing harmonics."""

from typing import NamedTuple

import numpy as np
from keras import ops

from ddsp_tf.features.live_path import read_at
from ddsp_tf.features.live_periodicity import latest_spectrum
from ddsp_tf.features.periodicity import Window
from ddsp_tf.features.pitch_path import ABSENT, OCTAVE_TOLERANCE, Candidates
from ddsp_tf.features.subharmonics import (
    AUDIBLE_SHARE,
    FEWEST_EVEN,
    FEWEST_SOUNDING,
    FOREIGN_SHARE,
    OVER_NOISE,
    SOUNDING_SHARE,
)
from ddsp_tf.typing import Tensor

_HARMONICS = 12
_HIGHEST_SHARE = 0.45
# Power of the odd harmonics relative to the even ones, -21 and -15 dB: a range around the -18 dB of
# `raise_subharmonics`, because a live path cannot wait until most of a note agrees.
_MISSING, _PRESENT = 0.0075, 0.03
_COST = 1.5


class PlacedWindow(NamedTuple):
    """An analysis window for live use.

    Attributes:
        lowest_hz: Lowest pitch that the window is used for.
        window: Constants of the window.
        late: Samples between the end of the window and the end of the sound.
    """

    lowest_hz: float
    window: Window
    late: int


def subharmonic_cost(
    sound: Tensor, found: Candidates, windows: list[PlacedWindow], sample_rate: float
) -> Tensor:
    """Penalizes candidates with hardly any odd harmonics: the octave above is likelier.

    The beginning of a note often repeats better after two periods than after one. Half its pitch
    then scores best, but the spectrum has nothing at the odd harmonics of that pitch. As in
    `raise_subharmonics`, one foreign tone among them does not count, such as a resonating string
    while a note fades, and odd harmonics that are as strong as those beside them are present.

    Args:
        sound: The latest sound of every row, float32 [rows, samples].
        found: Candidates of every row, [rows, candidates].
        windows: Analysis windows in the order of falling pitch; the last one is for all lower
            pitches.
        sample_rate: Sample rate in Hz.

    Returns:
        Amount to subtract from the scores, 0..1.5 [rows, candidates]; 0 where the octave above is
        not a candidate.

    Example:
        >>> from ddsp_tf.features.periodicity import periodicity_plan
        >>> (window,) = periodicity_plan(100, 800, windows=((0.04, 0.0),)).windows
        >>> sine = np.sin(2 * np.pi * 400 / 16000 * np.arange(640)).astype(np.float32)
        >>> octaves = np.log2([[200.0, 400.0]]).astype(np.float32)
        >>> found = Candidates(octaves, np.zeros_like(octaves), np.ones_like(octaves))
        >>> cost = subharmonic_cost(sine[None], found, [PlacedWindow(0.0, window, 0)], 16000)
        >>> np.asarray(cost).tolist()
        [[1.5, 0.0]]
    """
    loudest = ops.max(ops.abs(sound), axis=1, keepdims=True)
    sound = sound / ops.maximum(loudest, 1e-9)
    spectra = [latest_spectrum(sound, w.window.taper, w.window.fft_size, w.late) for w in windows]
    hz = ops.exp(found.octaves * np.float32(np.log(2.0)))
    # Each window replaces the ones for lower pitches.
    starts = np.cumsum([0, *(spectrum.shape[1] for spectrum in spectra)])
    bins_per_hz = first_bin = ops.zeros_like(hz)
    for placed, start in list(zip(windows, starts, strict=False))[::-1]:
        used = ops.logical_or(hz >= placed.lowest_hz, placed is windows[-1])
        bins_per_hz = ops.where(used, placed.window.fft_size / sample_rate, bins_per_hz)
        first_bin = ops.where(used, float(start), first_bin)
    numbers = np.arange(1, 2 * _HARMONICS + 1, dtype=np.float32) / 2
    harmonics_hz = hz[:, :, None] * numbers
    inside = harmonics_hz < _HIGHEST_SHARE * sample_rate
    places = ops.where(inside, ops.round(harmonics_hz * bins_per_hz[:, :, None]), 0.0)
    power = read_at(ops.concatenate(spectra, axis=1), places + first_bin[:, :, None])
    return _COST * _odd_missing(ops.where(inside, power, 0.0)) * _has_octave_above(found)


def _odd_missing(power):
    """Rates how clearly the odd harmonics of candidates are missing, 0..1 [rows, candidates].

    The power is given at half the pitch and each of its multiples.
    """
    # An odd harmonic and the next one, each preceded by the point halfway to it.
    pairs = ops.reshape(power, (-1, power.shape[1], _HARMONICS // 2, 4))
    before, odd, after, even = (pairs[..., place] for place in range(4))
    total, found = ops.maximum(ops.sum(even, axis=2), 1e-20), ops.sum(odd, axis=2)
    # What remains without a foreign tone has to be weaker.
    share = ops.minimum(found, 2.0 * (found - _foreign(odd, even, total))) / total
    missing = ops.clip((_PRESENT - share) / (_PRESENT - _MISSING), 0.0, 1.0)
    weaker = ops.minimum(even, ops.concatenate([even[..., :1], even[..., :-1]], axis=2))
    sounding = ops.logical_and(
        odd > SOUNDING_SHARE * weaker, odd > OVER_NOISE * ops.maximum(before, after)
    )
    count = ops.sum(ops.cast(sounding, "float32"), axis=2)
    return ops.where(count >= FEWEST_SOUNDING, 0.0, missing)


def _foreign(odd, even, total):
    """Power of the one odd harmonic that may be a foreign tone, [rows, candidates]."""
    # A fundamental is foreign if it is weak.
    weak = odd[..., 0] < FOREIGN_SHARE * total
    foreign = ops.where(weak, ops.max(odd, axis=2), ops.max(odd[..., 1:], axis=2))
    audible = even > AUDIBLE_SHARE * ops.max(even, axis=2, keepdims=True)
    enough = ops.sum(ops.cast(audible, "float32"), axis=2) >= FEWEST_EVEN
    return ops.where(enough, foreign, 0.0)


def _has_octave_above(found):
    """Marks candidates with 1 if the octave above is a candidate as well, [rows, candidates]."""
    distance = found.octaves[:, None, :] - found.octaves[:, :, None] - 1.0
    near = ops.logical_and(
        ops.abs(distance) < OCTAVE_TOLERANCE, found.scores[:, None, :] > 0.5 * ABSENT
    )
    return ops.max(ops.cast(near, "float32"), axis=2)
