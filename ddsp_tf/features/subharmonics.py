"""Subharmonics of the pitch, recognized by their missing harmonics."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ddsp_tf.features.frames import all_frames
from ddsp_tf.features.periodicity import power_spectrum

_WINDOW_SECONDS = 0.160
_FFT_SECONDS = 0.256
_HARMONICS = 12
_PLACES = np.linspace(-1.0, 1.0, 9)
_LEAST_WIDTH_HZ = 8.0
_RELATIVE_WIDTH = 0.012
# Power of the odd harmonics relative to the even ones, -18 dB.
_LEAST_ODD_SHARE = 0.015
# Power of a foreign fundamental relative to the even harmonics, -10 dB.
FOREIGN_SHARE = 0.1
# Even harmonics that count are within 25 dB of the strongest.
AUDIBLE_SHARE = 10.0**-2.5
FEWEST_EVEN = 3
# An odd harmonic sounds if it is within 12 dB of the weaker of its even neighbours, and 10 dB above
# the points halfway to them. If three do, they are not foreign.
SOUNDING_SHARE = 10.0**-1.2
OVER_NOISE = 10.0
FEWEST_SOUNDING = 3
_VOTING_FRAMES = 21
# Harmonics are counted up to the highest within 12 dB of the strongest; those within 25 dB are
# present.
_COUNTED = 16
_STRONG_SHARE = 10.0**-1.2
_PRESENT_SHARE = 10.0**-2.5
# Without even harmonics, 8 of 15 are present.
_FULL = 0.5
_SPARSE = 0.3
_SPARSE_COST = 1.5
_SPREAD_BINS = 2
_HIGHEST_BIN = 1400
_JUMP_OCTAVES = 1.0 / 12.0
_BLOCK_FRAMES = 64
# Length of the end of a note, in frames of 10 ms.
_LONGEST_ENDING = 40
_NOTE_FRAMES = 10
_SOFTER_DB = 6.0
# Longest beginning of a note at half its pitch, in frames that are at most 40 dB softer than the
# note.
_LONGEST_BEGINNING = 8
_SOUNDING_DB = 40.0
_OCTAVE_TOLERANCE = 0.05


def raise_subharmonics(
    audio: np.ndarray, octaves: np.ndarray, doubtful: np.ndarray, sample_rate: int, step: int
) -> np.ndarray:
    """Raises the pitch by an octave where its odd harmonics are missing.

    A sound repeats after two periods at least as well as after one, and better if it contains a
    foreign tone, such as a resonating open string or hum. Half the pitch then fits best, but of its
    odd harmonics only the foreign one is present. An octave is therefore added where the others
    have less than a hundredth of the even harmonics' power, in most frames of a fifth of a second.

    Args:
        audio: Mono float32 [samples].
        octaves: Binary logarithm of the pitch in Hz [frames]; frame k is about sample k * step.
        doubtful: Whether a frame may be an octave too low [frames].
        sample_rate: Samples per second.
        step: Samples between two frames.

    Returns:
        Binary logarithm of the pitch [frames].

    Example:
        >>> time = np.arange(16000) / 16000
        >>> audio = sum(np.sin(2 * np.pi * 156 * k * time) / k for k in (1, 2, 3, 4, 2.5))
        >>> taken = np.full(100, np.log2(78.0))
        >>> moved = raise_subharmonics(audio, taken, np.full(100, True), 16000, 160)
        >>> round(float(2 ** moved[50]))
        156
    """
    frames = np.flatnonzero(doubtful)
    if not frames.size:
        return octaves
    missing = np.zeros(octaves.size)
    for first in range(0, frames.size, _BLOCK_FRAMES):
        block = frames[first : first + _BLOCK_FRAMES]
        halves = _powers_at_halves(audio, np.exp2(octaves[block]), block * step, sample_rate)
        power, between = halves[:, 1::2], halves[:, ::2]
        missing[block] = _odd_missing(power) & ~_odd_sounding(power, between)
    notes = np.concatenate([[0], np.cumsum(np.abs(np.diff(octaves)) > _JUMP_OCTAVES)])
    return octaves + _majority(missing, notes)


def sparse_cost(audio: np.ndarray, octaves: np.ndarray, sample_rate: int, step: int) -> np.ndarray:
    """Penalizes candidates whose harmonics are mostly missing.

    Two simultaneous notes (a reverberating room, an open string, a second player) repeat together
    after a common multiple of their periods. Most harmonics of that low pitch are missing, while a
    single note has nearly all of them up to its highest, or every other one.

    Args:
        audio: Mono float32 [samples].
        octaves: Binary logarithm of the candidates in Hz [frames, candidates]; frame k is centred
            on sample k * step.
        sample_rate: Samples per second.
        step: Samples between two frames.

    Returns:
        Amount to subtract from the scores of the candidates [frames, candidates]: 0 if half of the
        harmonics or more are present, up to 1.5 if fewer than a third are.

    Example:
        >>> time = np.arange(16000) / 16000
        >>> audio = np.sin(2 * np.pi * 300 * time) + np.sin(2 * np.pi * 500 * time)
        >>> octaves = np.full((100, 2), np.log2([100.0, 300.0]))
        >>> sparse_cost(audio, octaves, 16000, 160)[50].round(2).tolist()
        [0.75, 0.0]
    """
    size, fft_size = round(_WINDOW_SECONDS * sample_rate), round(_FFT_SECONDS * sample_rate)
    around = all_frames(audio, size, step)
    taper = np.hanning(size).astype(np.float32)
    numbers = np.arange(1, _COUNTED + 1)
    share = np.zeros(octaves.shape)
    for first in range(0, len(octaves), _BLOCK_FRAMES):
        block = slice(first, min(first + _BLOCK_FRAMES, len(octaves)))
        power = power_spectrum(around[block], taper, fft_size, _HIGHEST_BIN, centred=True)
        spread = power.copy()
        for bins in range(1, _SPREAD_BINS + 1):
            np.maximum(spread[:, bins:], power[:, :-bins], out=spread[:, bins:])
            np.maximum(spread[:, :-bins], power[:, bins:], out=spread[:, :-bins])
        hz = np.exp2(octaves[block])[..., None] * numbers
        places = np.round(hz * (fft_size / sample_rate)).astype(np.int64)
        rows = np.arange(len(power))[:, None, None] * _HIGHEST_BIN
        found = spread.take(rows + np.minimum(places, _HIGHEST_BIN - 1))
        found = np.where(places < _HIGHEST_BIN, found, 0.0)
        strongest = found.max(axis=2, keepdims=True)
        highest = np.max((found > _STRONG_SHARE * strongest) * numbers, axis=2, keepdims=True)
        present = (found > _PRESENT_SHARE * strongest) & (numbers <= highest)
        share[block] = present.sum(axis=2) / np.maximum(highest[..., 0], 1)
    return _SPARSE_COST * np.clip((_FULL - share) / (_FULL - _SPARSE), 0.0, 1.0)


def restore_endings(octaves: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Raises the end of a note by an octave where its pitch falls by an octave while it fades.

    A resonating string, or noise, outlasts the note and repeats after twice its period. A new note
    an octave lower would not begin 6 dB below the previous one.

    Args:
        octaves: Binary logarithm of the pitch in Hz [frames], 10 ms apart.
        power: Mean square of the sound around each frame [frames].

    Returns:
        Binary logarithm of the pitch [frames].

    Example:
        >>> octaves = np.log2(np.repeat([440.0, 220.0], [30, 10]))
        >>> fading = 10.0 ** (-np.arange(40) / 10)
        >>> round(float(2 ** restore_endings(octaves, fading)[-1]))
        440
        >>> round(float(2 ** restore_endings(octaves, np.ones(40))[-1]))
        220
    """
    level_db, starts = 10.0 * np.log10(power + 1e-14), _note_starts(octaves)
    restored = octaves.copy()
    for before, first, last in zip(starts, starts[1:], starts[2:], strict=False):
        fallen = abs(octaves[first] - octaves[first - 1] + 1.0) < _OCTAVE_TOLERANCE
        if fallen and last - first <= min(_LONGEST_ENDING, first - before):
            note_db = level_db[max(before, first - _NOTE_FRAMES) : first].mean()
            if level_db[first:last].mean() < note_db - _SOFTER_DB:
                restored[first:last] += 1.0
    return restored


def restore_beginnings(octaves: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Raises the beginning of a note by an octave where its pitch then rises by an octave.

    For some hundredths of a second, while it becomes louder, a note often repeats better after two
    periods than after one. A note an octave lower would last longer.

    Args:
        octaves: Binary logarithm of the pitch in Hz [frames], 10 ms apart.
        power: Mean square of the sound around each frame [frames].

    Returns:
        Binary logarithm of the pitch [frames].

    Example:
        >>> for frames in (6, 20):
        ...     octaves = np.log2(np.repeat([220.0, 440.0], [10 + frames, 30]))
        ...     power = np.repeat([1e-9, 0.05, 0.5], [10, frames, 30])
        ...     print(round(float(2 ** restore_beginnings(octaves, power)[12])))
        440
        220
    """
    level_db, starts = 10.0 * np.log10(power + 1e-14), _note_starts(octaves)
    restored = octaves.copy()
    for first, last, end in zip(starts, starts[1:], starts[2:], strict=False):
        risen = abs(octaves[last] - octaves[last - 1] - 1.0) < _OCTAVE_TOLERANCE
        if risen and end - last >= _NOTE_FRAMES:
            note_db = level_db[last : last + _NOTE_FRAMES].mean()
            sounding = level_db[first:last][level_db[first:last] > note_db - _SOUNDING_DB]
            brief = 0 < sounding.size <= _LONGEST_BEGINNING
            if brief and sounding.mean() < note_db - _SOFTER_DB:
                restored[first:last] += 1.0
    return restored


def _note_starts(octaves):
    """First frames of the stretches between jumps, and the number of all frames."""
    jumps = np.flatnonzero(np.abs(np.diff(octaves)) > _JUMP_OCTAVES) + 1
    return [0, *jumps.tolist(), octaves.size]


def _powers_at_halves(audio, pitch_hz, positions, sample_rate):
    """Power at half the pitch and at each of its multiples [frames, 2 * harmonics]."""
    size = round(_WINDOW_SECONDS * sample_rate)
    fft_size = round(_FFT_SECONDS * sample_rate)
    frames = all_frames(audio, size, 1)[positions]
    power = power_spectrum(frames, np.hanning(size).astype(np.float32), fft_size, centred=True)
    hz = pitch_hz[:, None] * np.arange(0.5, _HARMONICS + 0.5, 0.5)
    width = np.maximum(_LEAST_WIDTH_HZ, _RELATIVE_WIDTH * hz)
    hz = (hz[..., None] + width[..., None] * _PLACES).reshape(len(hz), -1)
    bins = np.round(hz * (fft_size / sample_rate)).astype(np.int64)
    found = np.take_along_axis(power, np.minimum(bins, fft_size // 2), axis=1)
    found = np.where(hz < 0.45 * sample_rate, found, 0.0)
    return found.reshape(len(found), 2 * _HARMONICS, -1).max(axis=2)


def _odd_missing(power):
    """Finds the frames without odd harmonics, except for one foreign tone."""
    odd, even = power[:, ::2], power[:, 1::2]
    total, foreign = odd.sum(axis=1), odd.max(axis=1)
    # A fundamental is foreign if it is weak.
    foreign = np.where(
        odd[:, 0] < FOREIGN_SHARE * even.sum(axis=1), foreign, odd[:, 1:].max(axis=1)
    )
    least = _LEAST_ODD_SHARE * even.sum(axis=1)
    audible = (even > AUDIBLE_SHARE * even.max(axis=1, keepdims=True)).sum(axis=1)
    return (total < least) | ((total - foreign < least) & (audible >= FEWEST_EVEN))


def _odd_sounding(power, between):
    """Finds the frames in which several odd harmonics are as strong as their neighbours."""
    odd, even = power[:, ::2], power[:, 1::2]
    weaker, noise = even.copy(), np.maximum(between[:, ::2], between[:, 1::2])
    weaker[:, 1:] = np.minimum(even[:, 1:], even[:, :-1])
    sounding = (odd > SOUNDING_SHARE * weaker) & (odd > OVER_NOISE * noise)
    return sounding.sum(axis=1) >= FEWEST_SOUNDING


def _majority(votes, notes):
    """Whether most of the frames around each one vote for it, within its note."""
    reach = _VOTING_FRAMES // 2
    around = sliding_window_view(np.pad(votes, reach), _VOTING_FRAMES)
    same = sliding_window_view(np.pad(notes, reach, constant_values=-1), _VOTING_FRAMES)
    same = same == notes[:, None]
    return (around * same).sum(axis=1) > 0.5 * same.sum(axis=1)
