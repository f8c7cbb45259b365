"""Whether the audio file that a model plays into can and may be written."""

import io
import os
import re
from collections.abc import Iterable
from pathlib import Path

import soundfile

from ddsp_tf.errors import UserError

# Suffixes that are not the name of libsndfile's format; headerless files could not be read again.
_FORMATS = {
    ".aif": ("AIFF", None),
    ".aifc": ("AIFF", None),
    ".oga": ("OGG", None),
    ".opus": ("OGG", "OPUS"),
    ".wave": ("WAV", None),
    ".snd": ("AU", None),
}
_UNREADABLE = ("RAW", "SD2", "MAT4", "MAT5")
# Audio files in folders of ours, by the file that tells what the folder is.
_OURS = {"run.json": re.compile(r"renders/.*"), "model.json": re.compile(r"ir(_\d+)?\.wav")}


def output_format(path: str | os.PathLike, sample_rate: int) -> tuple[str, str]:
    """Returns in which format an audio file is written, by its suffix.

    Args:
        path: File to write.
        sample_rate: Samples per second.

    Returns:
        libsndfile's names of the format and of the encoding.

    Raises:
        UserError: If the suffix is unknown, or the format does not have this sample rate.

    Example:
        >>> output_format("solo.wav", 16000), output_format("solo.opus", 48000)
        (('WAV', 'PCM_16'), ('OGG', 'OPUS'))
    """
    suffix = Path(path).suffix
    kind, encoding = _FORMATS.get(suffix.lower(), (suffix.lstrip(".").upper(), None))
    if kind not in soundfile.available_formats() or kind in _UNREADABLE:
        raise UserError(
            f"{path}: found the suffix {suffix!r}; expected an audio format that can be written, "
            "such as .wav, .flac, .ogg, .mp3 or .aiff"
        )
    encoding = encoding or soundfile.default_subtype(kind)
    try:
        soundfile.SoundFile(io.BytesIO(), "w", sample_rate, 1, encoding, format=kind).close()
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: {suffix} files cannot have {sample_rate} Hz; expected .wav or .flac"
        ) from error
    return kind, encoding


def check_output(out: str | os.PathLike, inputs: Iterable[str | os.PathLike]) -> None:
    """Makes sure that writing a file destroys nothing that it is made from.

    Args:
        out: File to write.
        inputs: Files and folders that it is made from: a recording, a run, an exported model.

    Raises:
        UserError: If `out` is a folder, one of the inputs (also through a link), or a file that
            belongs to a run or an export.
    """
    out = Path(out)
    if out.is_dir():
        raise UserError(f"{out}: is a folder; expected a file name such as {out.name}.wav")
    if not out.exists():
        return
    for path in map(Path, inputs):
        if path.exists() and os.path.samefile(path, out):
            raise UserError(
                f"{out}: is the input, {path}, which would be lost; name another output"
            )
    place = Path(os.path.realpath(out))
    for folder in place.parents:
        for name, ours in _OURS.items():
            if ours.fullmatch(place.relative_to(folder).as_posix()) and (folder / name).is_file():
                raise UserError(f"{out}: belongs to {folder}; name another output")
