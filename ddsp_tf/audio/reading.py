"""Reading audio files as arrays."""

import os
from pathlib import Path

import numpy as np

from ddsp_tf.audio.decoding import AudioDecoder
from ddsp_tf.errors import UserError

# Memory for a claimed length is only reserved up to this many samples per byte of the file.
_BELIEVED_SAMPLES_A_BYTE = 8


def read_audio(
    path: str | os.PathLike,
    sample_rate: int,
    channel: str = "mean",
    minimum_seconds: float = 0.0,
) -> np.ndarray:
    """Reads a recording of any sample rate, channel count and depth.

    The file is decoded in blocks (see `AudioDecoder`), so it takes little more memory than the
    result.

    Args:
        path: Recording.
        sample_rate: Sample rate of the result, in Hz.
        channel: Channels to use: "mean" of all, "left" or "right".
        minimum_seconds: Shortest duration accepted, in seconds; at least one sample.

    Returns:
        Mono float32 [samples], nominally in -1..1.

    Raises:
        UserError: If the file is missing, not audio, cut off, empty or too short, holds NaN,
            infinite or absurdly large samples, or its channels cancel each other.

    Example:
        >>> import soundfile, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "stereo.wav"
        >>> soundfile.write(path, np.full([44100, 2], 0.25), 44100)
        >>> read_audio(path, sample_rate=16000).shape
        (16000,)
    """
    decoder = AudioDecoder(path, sample_rate, channel)
    believed = _BELIEVED_SAMPLES_A_BYTE * Path(path).stat().st_size
    audio = np.empty(min(decoder.expected, believed) + 2, np.float32)
    filled = 0
    for block in decoder.blocks():
        if filled + block.size > audio.size:
            audio = np.concatenate([audio[:filled], np.empty(filled // 2 + block.size, "f4")])
        audio[filled : filled + block.size] = block
        filled += block.size
    check_length(path, filled, sample_rate, minimum_seconds)
    return audio[:filled]


def check_length(
    path: str | os.PathLike, samples: int, sample_rate: int, minimum_seconds: float = 0.0
) -> None:
    """Checks that a recording is long enough.

    Args:
        path: Recording.
        samples: Number of samples that were decoded.
        sample_rate: Sample rate, in Hz.
        minimum_seconds: Shortest duration accepted, in seconds; at least one sample.

    Raises:
        UserError: If it is too short.
    """
    if samples < max(1, minimum_seconds * sample_rate):
        raise UserError(
            f"{path}: lasts {samples / sample_rate:.3g} s; expected at least "
            f"{max(minimum_seconds, 1 / sample_rate):.3g} s"
        )
