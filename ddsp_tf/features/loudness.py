"""The level of audio per frame: A-weighted loudness, and plain power.

Both follow the definitions of the original DDSP, so that its thresholds remain valid. Frame k is
centred on sample k * hop; beyond both ends there is silence. Audio is measured in chunks of frames,
so memory does not grow with its length.
"""

from collections.abc import Callable

import numpy as np

from ddsp_tf.features.frames import frames_between
from ddsp_tf.typing import Tensor

FLOOR_DB = -80.0
_BLOCK_VALUES = 1 << 19
# As many frames as fit into the processor's cache.
_LEVEL_FRAMES = 64


def a_weighting(frequencies_hz: Tensor) -> Tensor:
    """Returns the A-weighting of frequencies, the ear's sensitivity at moderate levels.

    IEC 61672-1:2013, Annex E, with the pole frequencies the standard derives.

    Args:
        frequencies_hz: Frequencies in Hz, 0 or above: float64 array or float32 tensor, any shape.

    Returns:
        Gain of the power, same shape and type; 1 at 1 kHz, 0 at 0 Hz.

    Example:
        >>> a_weighting(np.array([100.0, 1000.0, 10000.0])).round(4).tolist()
        [0.0122, 1.0001, 0.5635]
    """
    square = frequencies_hz * frequencies_hz
    low, high = 20.598997**2, 12194.217**2
    # Ratios of similar magnitude, because f ** 8 overflows float32 above 65 kHz.
    gain = square / (square + low) * high / (square + high)
    gain = gain * gain * (square / (square + 107.65265**2)) * (square / (square + 737.86223**2))
    return 10.0**0.2 * gain


def power_to_db(power: np.ndarray, floor_db: float = FLOOR_DB) -> np.ndarray:
    """Converts power to decibels with a floor.

    Args:
        power: Power, any shape, 0 or above; 1 is 0 dB.
        floor_db: Lowest level in dB.

    Returns:
        Level in dB, same shape.

    Example:
        >>> power_to_db(np.array([1.0, 0.01, 0.0])).tolist()
        [0.0, -20.0, -80.0]
    """
    return 10.0 * np.log10(np.maximum(power, 10.0 ** (floor_db / 10.0)))


def loudness_weights(fft_size: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the window and the weights of the power spectrum that define loudness.

    Loudness is the weighted sum over the one-sided, unnormalized power spectrum of a windowed
    frame, for arrays, tensors and real-time hosts alike.

    Args:
        fft_size: Window in samples.
        sample_rate: Sample rate in Hz.

    Returns:
        Periodic Hann window [fft_size], and A-weighting divided by the number of bins [fft_size //
        2 + 1], both float64.

    Example:
        >>> window, weights = loudness_weights(4, sample_rate=4000)
        >>> window.round(3).tolist(), weights.round(3).tolist()
        ([0.0, 0.5, 1.0, 0.5], [0.0, 0.333, 0.44])
    """
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(fft_size) / fft_size)
    gains = a_weighting(np.fft.rfftfreq(fft_size, 1.0 / sample_rate))
    return window, gains / gains.size


def padded_weights(weights: np.ndarray, size: int, fft_size: int) -> np.ndarray:
    """Returns weights that give the same sum for the power spectrum of a padded frame.

    A weighted sum over a power spectrum is a weighted sum over the autocorrelation, whose weights
    are the cosine transform of those of the spectrum. A padded frame has the same autocorrelation,
    and if it is about twice as long, no lag wraps around.

    Args:
        weights: Weights of the one-sided power spectrum [size // 2 + 1].
        size: Samples of the frame.
        fft_size: Samples of the padded frame, at least 2 * size - 1.

    Returns:
        Weights [fft_size // 2 + 1], float64; some are negative.

    Example:
        >>> frame = np.array([1.0, -2.0, 3.0])
        >>> plain, padded = (abs(np.fft.rfft(frame, size)) ** 2 for size in (3, 8))
        >>> weights = np.array([0.5, 2.0])
        >>> bool(np.isclose(padded @ padded_weights(weights, 3, 8), plain @ weights))
        True
    """
    lags = np.arange(size)
    cosines = np.cos(2.0 * np.pi * np.outer(lags, np.arange(weights.size)) / size)
    of_lags = cosines @ weights
    circular = np.zeros(fft_size)
    circular[:size] = of_lags
    circular[fft_size - size + 1 :] = of_lags[:0:-1]
    padded = np.fft.rfft(circular).real / fft_size
    padded[1 : (fft_size + 1) // 2] *= 2.0
    return padded


def frame_loudness_db(
    frames: np.ndarray, sample_rate: int, floor_db: float = FLOOR_DB
) -> np.ndarray:
    """Measures the loudness of given frames, as in a real-time host.

    It is the mean over the bins of the one-sided, A-weighted, unnormalized power spectrum of the
    frame under a periodic Hann window.

    Args:
        frames: Audio [..., fft_size].
        sample_rate: Sample rate in Hz.
        floor_db: Lowest level in dB.

    Returns:
        Loudness in dB, float64 [...]; see `loudness_db` for the reference level.

    Example:
        >>> frame_loudness_db(np.zeros([3, 512]), sample_rate=16000).tolist()
        [-80.0, -80.0, -80.0]
    """
    window, weights = loudness_weights(frames.shape[-1], sample_rate)
    spectrum = np.fft.rfft(frames * window)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return power_to_db(power @ weights, floor_db)


def loudness_db(
    audio: np.ndarray,
    sample_rate: int,
    hop: int,
    fft_size: int = 512,
    floor_db: float = FLOOR_DB,
) -> np.ndarray:
    """Measures A-weighted loudness per frame.

    Reference level: the spectrum is not normalized, so a sine of amplitude a at 1 kHz measures 20
    log10(a) + 10 log10(3 fft_size^2 / (16 fft_size + 32)) dB. At `fft_size` 512 a full-scale sine
    is +19.8 dB, and 0 dB is a sine at -19.8 dBFS; every doubling adds 3 dB. The original DDSP
    returns one more frame, centred on the end of the audio.

    Args:
        audio: Audio [..., samples] in -1..1.
        sample_rate: Sample rate in Hz.
        hop: Samples between two frames.
        fft_size: Window in samples.
        floor_db: Lowest level in dB.

    Returns:
        Loudness in dB, float32 [..., samples // hop].

    Example:
        >>> sine = np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000))
        >>> round(float(loudness_db(sine, sample_rate=16000, hop=64)[100]), 1)
        19.8
    """
    return _measure(
        audio, hop, fft_size, lambda frames: frame_loudness_db(frames, sample_rate, floor_db)
    )


def power_db(
    audio: np.ndarray, hop: int, frame_size: int = 1024, floor_db: float = FLOOR_DB
) -> np.ndarray:
    """Measures the mean power per frame (unweighted, rectangular window).

    Reference level: 0 dB is a mean square of 1, so a sine of full scale measures -3.01 dB.

    Args:
        audio: Audio [..., samples] in -1..1.
        hop: Samples between two frames.
        frame_size: Window in samples.
        floor_db: Lowest level in dB.

    Returns:
        Power in dB, float32 [..., samples // hop].

    Example:
        >>> round(float(power_db(np.full(4096, 0.1), hop=64)[32]), 1)
        -20.0
    """
    return _measure(
        audio, hop, frame_size, lambda frames: power_to_db(np.mean(frames**2, axis=-1), floor_db)
    )


def _measure(
    audio: np.ndarray, hop: int, size: int, level: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Cuts audio [..., samples] into centred frames, chunk by chunk, and applies `level`."""
    audio = np.asarray(audio)
    if audio.dtype.kind != "f":
        raise ValueError(f"audio holds {audio.dtype}; expected floats in -1..1")
    if audio.ndim == 0 or hop < 1 or size < 2:
        raise ValueError(
            "expected audio [..., samples], hop >= 1 and a frame of >= 2 samples; "
            f"found shape {audio.shape}, hop {hop}, frame {size}"
        )
    samples = audio.shape[-1]
    rows = audio.reshape(-1, samples)
    levels = np.empty((rows.shape[0], samples // hop), np.float32)
    block = max(1, _BLOCK_VALUES // size)
    for row, result in zip(rows, levels, strict=True):
        for first in range(0, result.size, block):
            last = min(first + block, result.size)
            frames = frames_between(row, first, last, size, hop, np.float64)
            for start in range(0, last - first, _LEVEL_FRAMES):
                part = frames[start : start + _LEVEL_FRAMES]
                result[first + start : first + start + len(part)] = level(part)
    return levels.reshape(*audio.shape[:-1], samples // hop)
