"""Mel-frequency cepstral coefficients, on the frames of the models.

`keras.layers.MelSpectrogram` pads by reflection instead of silence, and returns one frame more.
"""

from functools import partial

import numpy as np
from keras import ops

from ddsp_tf.backend.division import by_clip
from ddsp_tf.dsp.framing import centred_frames
from ddsp_tf.dsp.mel import mel_matrix
from ddsp_tf.typing import Tensor

# Added to the energies before the logarithm, as in the original DDSP: about -100 dB.
FLOOR = 1e-5
LOWEST_HZ, HIGHEST_HZ = 20.0, 8000.0


def mfcc(
    audio: Tensor,
    sample_rate: int,
    hop: int,
    n_coefficients: int = 30,
    n_mels: int = 80,
    fft_size: int = 1024,
    low_hz: float = LOWEST_HZ,
    high_hz: float = HIGHEST_HZ,
) -> Tensor:
    """Computes mel-frequency cepstral coefficients (Davis and Mermelstein, 1980).

    Magnitudes of Hann-windowed frames, mel filterbank, logarithm, orthonormal DCT. Frame k is
    centred on sample k * hop; before and after the signal there is silence.

    Args:
        audio: Audio [batch, samples] in [-1, 1].
        sample_rate: Samples per second.
        hop: Samples from one frame to the next.
        n_coefficients: Number of coefficients, starting with the zeroth (the level).
        n_mels: Mel bands.
        fft_size: Window and transform size in samples, even.
        low_hz: Lower end of the lowest band.
        high_hz: Upper end of the highest band, limited to half the sample rate.

    Returns:
        [batch, samples // hop, n_coefficients], float32.

    Raises:
        ValueError: If there are more coefficients than bands, or a band contains no frequency of
            the transform.

    Example:
        >>> mfcc(np.zeros((1, 1000), np.float32), sample_rate=16000, hop=64).shape
        TensorShape([1, 15, 30])
    """
    to_mel = mel_matrix(sample_rate, fft_size, n_mels, low_hz, min(high_hz, sample_rate / 2))
    to_coefficients = dct_matrix(n_mels, n_coefficients)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(fft_size) / fft_size)
    frames = centred_frames(ops.convert_to_tensor(audio, "float32"), fft_size, hop)
    frames = frames * window.astype(np.float32)
    real, imaginary = by_clip(partial(ops.rfft, fft_length=fft_size), frames)
    # The square root has an infinite slope at zero.
    magnitude = ops.sqrt(ops.maximum(real * real + imaginary * imaginary, 1e-20))
    return ops.matmul(ops.log(ops.matmul(magnitude, to_mel) + FLOOR), to_coefficients)


def dct_matrix(n_mels: int, n_coefficients: int) -> np.ndarray:
    """Returns the first columns of the orthonormal DCT-II.

    Args:
        n_mels: Number of mel bands.
        n_coefficients: Number of coefficients, at most n_mels.

    Returns:
        Matrix from bands to coefficients, float32 [n_mels, n_coefficients].

    Raises:
        ValueError: If n_coefficients is out of range.

    Example:
        >>> matrix = dct_matrix(4, 4)
        >>> bool(np.allclose(matrix.T @ matrix, np.eye(4), atol=1e-6))
        True
    """
    if not 0 < n_coefficients <= n_mels:
        raise ValueError(f"n_coefficients={n_coefficients}; expected 1 to n_mels={n_mels}")
    band, order = np.arange(n_mels)[:, None] + 0.5, np.arange(n_coefficients)
    matrix = np.sqrt(2.0 / n_mels) * np.cos(np.pi / n_mels * band * order)
    matrix[:, 0] *= np.sqrt(0.5)
    return matrix.astype(np.float32)
