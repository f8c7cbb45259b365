"""Writing arrays as audio files."""

import io
import numbers
import os
from pathlib import Path

import numpy as np
import soundfile

from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.names import native_name

# Suffixes that differ from libsndfile's name of the format, and depths from its default.
_FORMATS = {
    ".aif": ("AIFF", None),
    ".aifc": ("AIFF", None),
    ".oga": ("OGG", None),
    ".opus": ("OGG", "OPUS"),
    ".snd": ("AU", None),
    ".wave": ("WAV", None),
}
# Files without a header, and others that could not be read again.
_UNREADABLE = ("RAW", "SD2", "MAT4", "MAT5")
_MOST_CHANNELS = 64
_HIGHEST_RATE = 1_000_000


def output_format(
    path: str | os.PathLike, sample_rate: int, subtype: str | None = None
) -> tuple[str, str]:
    """Determines the format in which a file will be written, before any work is done.

    Args:
        path: File to write; its suffix names the format.
        sample_rate: Sample rate, in Hz.
        subtype: Depth by libsndfile's name, such as "PCM_24" or "FLOAT"; by default the format's
            own, 16 bits where it has a depth.

    Returns:
        libsndfile's names of format and subtype.

    Raises:
        UserError: If the suffix is unknown, or the format does not support the depth or the rate.

    Example:
        >>> output_format("song.aif", 16000), output_format("song.opus", 48000)
        (('AIFF', 'PCM_16'), ('OGG', 'OPUS'))
    """
    suffix = Path(path).suffix
    kind, default = _FORMATS.get(suffix.lower(), (suffix[1:].upper(), None))
    if kind not in soundfile.available_formats() or kind in _UNREADABLE:
        raise UserError(
            f"{path}: found the suffix {suffix!r}; expected an audio format that can be written, "
            "such as .wav, .flac, .ogg, .opus, .mp3 or .aiff"
        )
    subtype = subtype or default or soundfile.default_subtype(kind)
    if not soundfile.check_format(kind, subtype):
        raise UserError(f"{path}: {kind} has no subtype {subtype}; choose another")
    try:
        soundfile.SoundFile(io.BytesIO(), "w", sample_rate, 1, subtype, format=kind).close()
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: {suffix} files cannot have {sample_rate} Hz; expected .wav or .flac"
        ) from error
    return kind, subtype


def write_audio(
    path: str | os.PathLike, audio: np.ndarray, sample_rate: int, subtype: str | None = None
) -> float:
    """Writes an audio file in the format of its suffix.

    Audio that peaks above 1 is scaled to peak at 1, so that it neither wraps nor clips, unless it
    is written in floating point.

    Args:
        path: File to write; it appears when complete.
        audio: Floats [samples] or [samples, channels], nominally in -1..1.
        sample_rate: Sample rate, in Hz.
        subtype: Depth by libsndfile's name, if not the format's own; see `output_format`.

    Returns:
        Factor by which the audio was scaled; 1.0 if it was not.

    Raises:
        UserError: If the audio is not finite, not floats, or has a wrong shape, or the file cannot
            be written.

    Example:
        >>> import tempfile
        >>> write_audio(Path(tempfile.mkdtemp()) / "loud.wav", np.full(100, 2.0), 16000)
        0.5
    """
    path = Path(path)
    audio = _checked(path, audio)
    whole = isinstance(sample_rate, numbers.Real) and 1 <= sample_rate <= _HIGHEST_RATE
    if not whole or sample_rate != int(sample_rate):
        raise UserError(
            f"{path}: sample_rate {sample_rate!r}; expected a whole number of Hz up to "
            f"{_HIGHEST_RATE}"
        )
    kind, subtype = output_format(path, int(sample_rate), subtype)
    gain = 1.0 / max(1.0, float(audio.max()), -float(audio.min()))
    if subtype in ("FLOAT", "DOUBLE"):
        gain = 1.0
    try:
        with atomic_path(path) as temporary:
            name, scaled = native_name(temporary), audio * np.float32(gain)
            soundfile.write(name, scaled, int(sample_rate), subtype, None, kind)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        reason = str(error).rpartition("': ")[2].rstrip(".")
        raise UserError(
            f"{path}: cannot be written as {kind} {subtype} at {sample_rate} Hz ({reason})"
        ) from error
    return gain


def _checked(path: Path, audio: np.ndarray) -> np.ndarray:
    """Returns audio as float32, if `write_audio` accepts it."""
    try:
        audio = np.asarray(audio)
    except ValueError as error:
        raise UserError(f"{path}: not written, the audio is not an array; {error}") from error
    if audio.dtype.kind != "f":
        raise UserError(
            f"{path}: not written, found {audio.dtype} samples; expected floats in -1..1, such as "
            "int16 samples divided by 32768"
        )
    if audio.ndim not in (1, 2) or audio.size == 0:
        raise UserError(
            f"{path}: not written, found audio of shape {audio.shape}; expected [samples] or "
            "[samples, channels]"
        )
    if audio.ndim == 2 and audio.shape[1] > _MOST_CHANNELS:
        raise UserError(
            f"{path}: not written, found a batch of shape {audio.shape}; expected [samples] or "
            "[samples, channels]; write one clip at a time"
        )
    if not np.isfinite(audio).all():
        raise UserError(f"{path}: not written, the audio holds NaN or infinite samples")
    return audio.astype(np.float32, copy=False)
