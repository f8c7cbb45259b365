"""The distance between two timbres, independent of their levels."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ddsp_tf.dsp.mel import mel_matrix
from ddsp_tf.dsp.mfcc import FLOOR, HIGHEST_HZ, LOWEST_HZ, dct_matrix
from ddsp_tf.features.frames import frames_between
from ddsp_tf.features.periodicity import power_spectrum

_N_MELS = 40
_N_COEFFICIENTS = 13
# A frame of 128 ms: over shorter times, the spectrum of noise is a matter of chance.
_WINDOW_SECONDS = 0.128
_HOP_SECONDS = 0.01
# Frames that are this much softer than the loudest have no timbre.
_RANGE_DB = 50.0


def cepstral_distance_db(target: ArrayLike, audio: ArrayLike, sample_rate: int) -> float:
    """Computes the mean difference of spectral envelopes, without their levels.

    It is the root mean square difference in dB of mel spectra smoothed by keeping only the
    mel-frequency cepstral coefficients (MFCC) 1 to 12; the zeroth is the level. It is a constant
    times the mel-cepstral distortion of Kubichek, "Mel-cepstral distance measure for objective
    speech quality assessment" (PACRIM 1993).

    Args:
        target: Audio of the target, [samples].
        audio: Audio of the rendering, [samples].
        sample_rate: Samples per second.

    Returns:
        Distance in dB; 0 if equal, NaN if the target is silent.

    Raises:
        ValueError: If the signals are not [samples] of one length.

    Example:
        >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 16000)
        >>> round(cepstral_distance_db(noise, 0.5 * noise, 16000), 2)
        0.0
    """
    target, audio = np.asarray(target, np.float32), np.asarray(audio, np.float32)
    if target.ndim != 1 or target.shape != audio.shape:
        raise ValueError(
            f"target {target.shape}, audio {audio.shape}; expected [samples] of one length"
        )
    coefficients = np.stack([_coefficients(signal, sample_rate) for signal in (target, audio)])
    # The zeroth is the mean of log magnitudes times the root of the number of bands.
    level_db = 20.0 / math.log(10.0) * coefficients[0, :, 0] / math.sqrt(_N_MELS)
    audible = level_db > level_db.max(initial=-math.inf) - _RANGE_DB
    if not np.any(target) or not audible.any():
        return float("nan")
    difference = coefficients[0, audible, 1:] - coefficients[1, audible, 1:]
    distance = np.sqrt(np.sum(np.square(difference), axis=1) / _N_MELS)
    return float(20.0 / math.log(10.0) * np.mean(distance))


def _coefficients(signal: np.ndarray, sample_rate: int) -> np.ndarray:
    """Returns the same as `mfcc`, [frames, coefficients], without a gather of every sample."""
    hop, size = round(_HOP_SECONDS * sample_rate), 4 * round(_WINDOW_SECONDS * sample_rate / 4)
    frames = frames_between(signal, 0, max(signal.size // hop, 1), size, hop)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    power = power_spectrum(frames, window, size)
    magnitude = np.sqrt(np.maximum(power, 1e-20))
    highest_hz = min(HIGHEST_HZ, sample_rate / 2)
    mel = magnitude @ mel_matrix(sample_rate, size, _N_MELS, LOWEST_HZ, highest_hz)
    return np.log(mel + FLOOR) @ dct_matrix(_N_MELS, _N_COEFFICIENTS)
