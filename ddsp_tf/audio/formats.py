"""Recognition of recordings by their names and by their first bytes."""

import os
from typing import IO

# fmt: off
# Formats that libsndfile reads and in which a truncated file can be recognized.
AUDIO_SUFFIXES = frozenset({
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif",
    ".aiff", ".aifc", ".au", ".snd", ".caf", ".voc", ".iff", ".svx", ".8svx", ".nist", ".sph",
})
# Formats that PyAV reads: recordings of phones and browsers, and the sound of videos.
MEDIA_SUFFIXES = frozenset({
    ".m4a", ".m4b", ".m4v", ".mp4", ".mov", ".3gp", ".3g2", ".aac", ".webm", ".mkv", ".mka", ".wma",
    ".wmv", ".asf", ".avi",
})
# Formats of recordings that are not read.
OTHER_SUFFIXES = frozenset({
    ".aa", ".aax", ".ac3", ".amr", ".ape", ".avr", ".dff", ".dsf", ".flv", ".gsm", ".htk", ".ircam",
    ".m2ts", ".mpc", ".mpeg", ".mpg", ".mts", ".mxf", ".paf", ".pcm", ".pvf", ".ra", ".raw", ".rm",
    ".sd2", ".sds", ".shn", ".spx", ".tta", ".wv", ".wve", ".xi",
})
# fmt: on
MEDIA_CONTAINERS = frozenset({"mp4", "matroska", "asf", "adts", "avi"})
_RIFF = {b"WAVE": "wave", b"AVI ": "avi"}
_BY_START = {
    b"FORM": "iff",
    b".snd": "au",
    b"dns.": "au",
    b"caff": "caf",
    b"OggS": "ogg",
    b"fLaC": "flac",
    b"\x1a\x45\xdf\xa3": "matroska",
    b"NIST_1A": "nist",
    b"Creative Voice File": "voc",
    b"riff\x2e\x91\xcf\x11": "w64",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
}


def media_reader_installed() -> bool:
    """Tells whether PyAV is installed: `pip install ddsp-tf[media]`."""
    try:
        import av as _  # noqa: F401
    except ImportError:
        return False
    return True


def container_of(file: IO[bytes]) -> tuple[str, int]:
    """Recognizes a container by its first bytes.

    Args:
        file: File opened for reading bytes.

    Returns:
        Tuple of a name, such as "wave", "mp4" or "mpeg", empty if the container is unknown; and the
        position in the file at which it begins, after tags.
    """
    start = 0
    while (head := _head(file, start))[:3] == b"ID3" and len(head) >= 10:
        size = sum((byte & 0x7F) << 7 * (3 - k) for k, byte in enumerate(head[6:10]))
        start += 10 + size + 10 * bool(head[5] & 0x10)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return _RIFF.get(head[8:12], ""), start
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mp4", start
    for beginning, name in _BY_START.items():
        if head.startswith(beginning):
            return name, start
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return ("adts" if head[1] & 0xF6 == 0xF0 else "mpeg"), start
    return "", start


def _head(file: IO[bytes], start: int) -> bytes:
    file.seek(start, os.SEEK_SET)
    return file.read(32)
