"""Correction of a pitch tracker's octave errors by autocorrelation."""

import numpy as np

WINDOW_SECONDS = 0.064
DIFFERENT = 0.3
ALIKE = 0.85
SAME = 0.98
_BLOCK_ANSWERS = 128


def correct_octaves(
    audio: np.ndarray,
    sample_rate: int,
    positions: np.ndarray,
    pitch_hz: np.ndarray,
    fmin_hz: float,
    fmax_hz: float,
) -> np.ndarray:
    """Moves a tracker's pitch by octaves where the waveform is unambiguous.

    A tone repeats after one period. Where the autocorrelation at one estimated period is below
    0.3, but above 0.85 at two (or four), the tracker followed an overtone: the pitch is one (or
    two) octaves lower. Where it is 0.98 or more at half a period, the pitch is an octave higher.
    Noisy or changing sound meets none of these conditions.

    Args:
        audio: Mono audio [samples].
        sample_rate: Sample rate in Hz.
        positions: Positions of the estimates in samples [estimates].
        pitch_hz: Pitch at the positions in Hz [estimates]; 0 stays.
        fmin_hz: Lowest pitch after a correction.
        fmax_hz: Highest pitch after a correction.

    Returns:
        Pitch in Hz [estimates].

    Example:
        >>> audio = np.sin(2 * np.pi * 3 * 250 / 16000 * np.arange(16000))
        >>> audio += np.sin(2 * np.pi * 4 * 250 / 16000 * np.arange(16000))
        >>> correct_octaves(audio, 16000, np.array([8000]), np.array([500.0]), 50, 2000).tolist()
        [250.0]
    """
    corrected = pitch_hz.copy()
    asked = np.flatnonzero(pitch_hz > 0)
    for start in range(0, asked.size, _BLOCK_ANSWERS):
        block = asked[start : start + _BLOCK_ANSWERS]
        periods = sample_rate / pitch_hz[block]
        half, one, two, four = (
            _self_correlation(audio, sample_rate, positions[block], periods * multiple)
            for multiple in (0.5, 1.0, 2.0, 4.0)
        )
        factor = np.ones(block.size)
        factor[half >= SAME] = 2.0
        wrong = one < DIFFERENT
        factor[wrong & (two < DIFFERENT) & (four > ALIKE)] = 0.25
        factor[wrong & (two > ALIKE)] = 0.5
        moved = pitch_hz[block] * factor
        allowed = (moved >= fmin_hz) & (moved <= fmax_hz)
        corrected[block[allowed]] = moved[allowed]
    return corrected


def _self_correlation(
    audio: np.ndarray, sample_rate: int, positions: np.ndarray, lags: np.ndarray
) -> np.ndarray:
    """Normalized autocorrelation around each position, -1..1."""
    lags = np.maximum(np.round(lags).astype(np.int64), 1)
    window = int(WINDOW_SECONDS * sample_rate)
    # The two windows are centred on the position, within the recording.
    first = np.round(positions).astype(np.int64) - (window + lags) // 2
    first = np.clip(first, 0, np.maximum(audio.size - window - lags, 0))
    indices = first[:, None] + np.arange(window)
    last = audio.size - 1
    early = audio[np.minimum(indices, last)]
    late = audio[np.minimum(indices + lags[:, None], last)]
    together = np.einsum("ij,ij->i", early, late)
    energy = np.einsum("ij,ij->i", early, early) * np.einsum("ij,ij->i", late, late)
    return together / np.sqrt(np.maximum(energy, 1e-20))
