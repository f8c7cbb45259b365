"""Octave errors of a pitch tracker, found by looking at the waveform itself."""

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
    """Moves answers of a tracker by octaves where the waveform plainly says so.

    A tone repeats after one period. Where the correlation of the sound with itself one claimed
    period later is below 0.3, but above 0.85 after two (or four) of them, the tracker followed an
    overtone: the pitch is one (or two) octaves lower. Where it is 0.98 or more after half a
    period already, the pitch is an octave higher. Noisy or changing sound meets none of these
    conditions and keeps its answer.

    Args:
        audio: Mono [samples].
        sample_rate: In Hz.
        positions: Samples that the answers are about [answers].
        pitch_hz: Pitch at them, in Hz; 0 is left alone.
        fmin_hz: No pitch is moved below this.
        fmax_hz: No pitch is moved above this.

    Returns:
        Pitch in Hz [answers].

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
    """Correlates the sound around each position with itself some samples later: -1..1."""
    lags = np.maximum(np.round(lags).astype(np.int64), 1)
    window = int(WINDOW_SECONDS * sample_rate)
    # The two windows lie evenly around the position, inside the recording.
    first = np.round(positions).astype(np.int64) - (window + lags) // 2
    first = np.clip(first, 0, np.maximum(audio.size - window - lags, 0))
    indices = first[:, None] + np.arange(window)
    last = audio.size - 1
    early = audio[np.minimum(indices, last)]
    late = audio[np.minimum(indices + lags[:, None], last)]
    together = np.einsum("ij,ij->i", early, late)
    energy = np.einsum("ij,ij->i", early, early) * np.einsum("ij,ij->i", late, late)
    return together / np.sqrt(np.maximum(energy, 1e-20))
