"""Audio files to arrays and back."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from ddsp_tf.audio.decoding import AudioDecoder
from ddsp_tf.errors import UserError
from ddsp_tf.files.atomic import atomic_path

# What libsndfile reads by itself; headerless .raw and MATLAB's .mat are left out.
# fmt: off
AUDIO_SUFFIXES = frozenset({
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif",
    ".aiff", ".aifc", ".au", ".snd", ".caf", ".avr", ".htk", ".iff", ".svx", ".8svx", ".paf",
    ".pvf", ".sf", ".ircam", ".sd2", ".sds", ".voc", ".nist", ".sph", ".wve", ".xi",
})
# fmt: on


def find_audio_files(paths: str | os.PathLike | Iterable[str | os.PathLike]) -> list[Path]:
    """Lists audio files.

    Args:
        paths: A file or a folder, or several. A file is taken whatever its suffix; folders are
            searched with everything below them for suffixes that libsndfile reads. Names that
            begin with a dot are passed over.

    Returns:
        Absolute paths, sorted, each once.

    Raises:
        UserError: If a path does not exist or a folder holds no audio.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.WAV", "a.flac", "notes.txt"):
        ...     (folder / name).touch()
        >>> [path.name for path in find_audio_files(folder)]
        ['a.flac', 'b.WAV']
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    found: set[Path] = set()
    for path in map(Path, paths):
        if path.is_dir():
            below = set(_audio_below(path))
            if not below:
                raise UserError(
                    f"{path}: no audio file in this folder; expected .wav, .flac, .ogg, .mp3, "
                    ".aiff or another format that libsndfile reads"
                )
            found |= below
        elif path.exists():
            found.add(Path(os.path.abspath(path)))
        else:
            raise UserError(f"{path}: no such file or folder")
    if not found:
        raise UserError("no audio given; expected files or folders")
    return sorted(found)


def _audio_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(os.path.abspath(folder)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES:
                yield Path(parent, name)


def read_audio(
    path: str | os.PathLike, sample_rate: int, minimum_seconds: float = 0.0
) -> np.ndarray:
    """Reads an audio file of any rate, channel count and depth.

    Channels are averaged; other rates are resampled by soxr at its very high quality. The file
    is read in blocks, see `AudioDecoder`, so that memory holds little more than the result.

    Args:
        path: The file.
        sample_rate: Wanted, in Hz.
        minimum_seconds: Shorter audio is refused.

    Returns:
        Mono float32 [samples], nominally in -1..1.

    Raises:
        UserError: If the file is missing, no audio, damaged, empty or too short, holds NaN,
            infinite or absurdly large samples, or its channels cancel each other.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "stereo.wav"
        >>> soundfile.write(path, np.full([44100, 2], 0.25), 44100)
        >>> read_audio(path, sample_rate=16000).shape
        (16000,)
    """
    decoder = AudioDecoder(path, sample_rate)
    audio = np.empty(decoder.expected, np.float32)
    filled = 0
    for block in decoder.blocks():
        if filled + block.size > audio.size:
            audio = np.concatenate([audio[:filled], np.empty(audio.size + block.size, np.float32)])
        audio[filled : filled + block.size] = block
        filled += block.size
    check_length(path, filled, sample_rate, minimum_seconds)
    return audio[:filled]


def check_length(
    path: str | os.PathLike, samples: int, sample_rate: int, minimum_seconds: float
) -> None:
    """Makes sure that audio is long enough.

    Args:
        path: Its file.
        samples: That were decoded.
        sample_rate: In Hz.
        minimum_seconds: Shorter audio is refused; so is none at all.

    Raises:
        UserError: If it is too short.
    """
    if samples < max(1, minimum_seconds * sample_rate):
        raise UserError(
            f"{path}: lasts {samples / sample_rate:.3g} s; expected at least "
            f"{max(minimum_seconds, 1 / sample_rate):.3g} s"
        )


def write_audio(
    path: str | os.PathLike, audio: np.ndarray, sample_rate: int, subtype: str | None = None
) -> float:
    """Writes an audio file in the format of its suffix; 16 bits where the format has a depth.

    Audio whose peak exceeds 1 is turned down as a whole to peak at 1, so that it is neither
    wrapped nor clipped; as floating point it is written as it is.

    Args:
        path: The file to write; it appears when complete.
        audio: Mono [samples] or [samples, channels], nominally in -1..1.
        sample_rate: In Hz.
        subtype: libsndfile's name of another depth, such as "PCM_24" or "FLOAT".

    Returns:
        The factor that the audio was turned down by; 1.0 if it was not.

    Raises:
        UserError: If the audio is not finite, has a wrong shape, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> write_audio(Path(tempfile.mkdtemp()) / "loud.wav", np.full(100, 2.0), 16000)
        0.5
    """
    path = Path(path)
    audio = np.asarray(audio, np.float32)
    if audio.ndim not in (1, 2) or audio.size == 0:
        raise UserError(f"{path}: found audio of shape {audio.shape}; expected [samples]")
    if not np.isfinite(audio).all():
        raise UserError(f"{path}: not written, the audio holds NaN or infinite samples")
    gain = 1.0 / max(1.0, float(audio.max()), -float(audio.min()))
    if subtype in ("FLOAT", "DOUBLE"):
        gain = 1.0
    try:
        with atomic_path(path) as temporary:
            soundfile.write(str(temporary), audio * np.float32(gain), sample_rate, subtype)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be written ({error}); expected a suffix such as .wav, .flac or .ogg "
            "and room on the disk"
        ) from error
    return gain


def file_sha256(path: str | os.PathLike) -> str:
    """Gives the SHA-256 of a file's bytes.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.

    Raises:
        UserError: If the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "empty"
        >>> path.touch()
        >>> file_sha256(path)[:16]
        'e3b0c44298fc1c14'
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise UserError(f"{path}: is not a regular file")
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
