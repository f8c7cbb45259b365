"""The mel scale, `2595 log10(1 + hz / 700)`, and its filterbank.

Keras's filterbank (`keras.layers.MelSpectrogram`) has triangles that are linear in mels instead of
Hertz, and is built inside the graph, where bands that are too narrow cannot be reported.
"""

import numpy as np
from numpy.typing import ArrayLike


def hz_to_mel(hz: ArrayLike) -> np.ndarray:
    """Converts frequencies in Hz to mels.

    Args:
        hz: Frequencies in Hz, 0 or above, any shape.

    Returns:
        Mels, same shape.

    Example:
        >>> float(hz_to_mel(1000.0).round(2))
        999.99
    """
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def mel_to_hz(mel: ArrayLike) -> np.ndarray:
    """Converts mels to frequencies in Hz.

    Args:
        mel: Mels, 0 or above, any shape.

    Returns:
        Frequencies in Hz, same shape.

    Example:
        >>> float(mel_to_hz(2595.0))
        6300.0
    """
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def mel_matrix(
    sample_rate: int, fft_size: int, n_mels: int, low_hz: float, high_hz: float
) -> np.ndarray:
    """Returns a mel filterbank.

    Bands are triangles of height 1 between points that are equally spaced in mels; each begins and
    ends at its neighbours' peaks.

    Args:
        sample_rate: Samples per second.
        fft_size: Size of the transform in samples, even.
        n_mels: Number of bands.
        low_hz: Lower end of the lowest band.
        high_hz: Upper end of the highest band.

    Returns:
        Matrix from bins to bands, float32 [fft_size / 2 + 1, n_mels].

    Raises:
        ValueError: If a band contains no frequency of the transform.

    Example:
        >>> mel_matrix(16000, 512, 20, 0.0, 8000.0).shape
        (257, 20)
    """
    corners = mel_to_hz(np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), n_mels + 2))
    frequencies = np.arange(fft_size // 2 + 1)[:, None] * (sample_rate / fft_size)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    weights = np.maximum(np.minimum(rising, falling), 0.0)
    if not weights.any(axis=0).all():
        raise ValueError(
            f"n_mels={n_mels} bands are too narrow for fft_size={fft_size} at {sample_rate} Hz; "
            "use fewer bands or a larger transform"
        )
    return weights.astype(np.float32)
