"""Detects truncated recordings by comparing the lengths in a container with the file's size.

Decoders play the first half of a download without complaint. The checks cover lengths in headers,
the last block of formats that consist of blocks, and the flag that ends an Ogg stream. Sizes that a
program never filled in (0, or all ones) are ignored.
"""

import os
import struct
from collections.abc import Callable, Iterator
from typing import IO

from ddsp_tf.audio.formats import container_of
from ddsp_tf.audio.mpeg import mpeg_end
from ddsp_tf.errors import UserError
from ddsp_tf.files.names import check_is_file

# Placeholders that programs write into a header before they know the size.
_OPEN_ENDED = 0x7FF00000
_TOLERATED_BYTES = 4096
_LARGEST_OGG_PAGE = 65307


def check_complete(path: str | os.PathLike) -> str:
    """Checks that a recording was not cut off, for example in the middle of a download.

    Args:
        path: Audio or media file.

    Returns:
        Name of its container; see `ddsp_tf.audio.formats.container_of`.

    Raises:
        UserError: If the file is missing, empty, unreadable or cut off.
    """
    path = check_is_file(path, "an audio file")
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            container, start = container_of(file)
            file.seek(start)
            needed = _NEEDED[container](file, size) if container in _NEEDED else size
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if size == 0:
        raise UserError(f"{path}: the file is empty; expected audio")
    if needed is None:
        raise UserError(f"{path}: cut off: its end is missing; copy or download it again")
    if needed - size > min(0.01 * needed, _TOLERATED_BYTES):
        raise UserError(
            f"{path}: cut off: holds {size} of {needed} bytes; copy or download it again"
        )
    return container


def _number(file: IO[bytes], code: str) -> int:
    """Reads a number; returns 0 at the end of the file."""
    content = file.read(struct.calcsize(code))
    return struct.unpack(code, content)[0] if len(content) == struct.calcsize(code) else 0


def _wave(file: IO[bytes], size: int) -> int:
    """Returns the end of the "data" chunk; RF64 has its length in a chunk of its own."""
    head = file.read(12)
    order = ">" if head[:4] == b"RIFX" else "<"
    long_length = 0
    while len(name := file.read(4)) == 4 and file.tell() + 4 <= size:
        length = _number(file, order + "I")
        place = file.tell()
        if name == b"ds64":
            file.seek(8, os.SEEK_CUR)
            long_length = _number(file, order + "Q")
        elif name == b"data":
            if head[:4] in (b"RF64", b"BW64") and length == 0xFFFFFFFF:
                return place + long_length
            return place + length if length < _OPEN_ENDED else size
        file.seek(place + length + length % 2)
    return size


def _sized(offset: int, code: str, add: int) -> Callable[[IO[bytes], int], int]:
    """Returns a reader for containers whose header has their whole length."""

    def needed(file: IO[bytes], size: int) -> int:
        file.seek(offset, os.SEEK_CUR)
        length = _number(file, code)
        return length + add if 0 < length < 1 << 62 and length != 0xFFFFFFFF else size

    return needed


def _au(file: IO[bytes], size: int) -> int:
    order = ">" if file.read(4) == b".snd" else "<"
    begin, length = _number(file, order + "I"), _number(file, order + "I")
    return begin + length if length < _OPEN_ENDED else size


def _caf(file: IO[bytes], size: int) -> int:
    file.seek(8)
    while len(name := file.read(4)) == 4:
        length = _number(file, ">q")
        if name == b"data":
            return file.tell() + length if length > 0 else size
        if length < 0:
            break
        file.seek(length, os.SEEK_CUR)
    return size


def _ogg(file: IO[bytes], size: int) -> int | None:
    """Returns the end of the last page, which must have the flag that ends a stream."""
    begin = max(file.tell(), size - 2 * _LARGEST_OGG_PAGE)
    file.seek(begin)
    tail = file.read()
    place = tail.rfind(b"OggS\x00")
    while place >= 0 and len(tail) - place < 27:
        place = tail.rfind(b"OggS\x00", 0, place)
    if place < 0:
        return None
    table = tail[place + 27 : place + 27 + tail[place + 26]]
    end = begin + place + 27 + tail[place + 26] + sum(table)
    is_last = bool(tail[place + 5] & 4)
    return size if is_last and end <= size else None


def _nist(file: IO[bytes], size: int) -> int:
    words = file.read(1024).split()
    fields = {name: words[k + 2] for k, name in enumerate(words[:-2]) if words[k + 1] == b"-i"}
    factors = [fields.get(key, b"") for key in (b"sample_count", b"sample_n_bytes")]
    if not all(factor.isdigit() and len(factor) < 16 for factor in factors):
        return size
    channels = fields.get(b"channel_count", b"1")
    count = int(factors[0]) * int(factors[1])
    return 1024 + count * (int(channels) if channels.isdigit() and len(channels) < 5 else 1)


def _voc(file: IO[bytes], size: int) -> int | None:
    file.seek(20)
    file.seek(_number(file, "<H"))
    while kind := file.read(1):
        if kind == b"\0":
            return size
        length = int.from_bytes(file.read(3), "little")
        if file.tell() + length > size:
            return file.tell() + length
        file.seek(length, os.SEEK_CUR)
    return None


def _mp4(file: IO[bytes], size: int) -> int | None:
    """Returns the end of the last box; the index (moov) must be among the boxes."""
    described, place = False, file.tell()
    while place + 8 <= size:
        file.seek(place)
        length, name = _number(file, ">I"), file.read(4)
        if length == 1:
            length = _number(file, ">Q")
        described = described or name == b"moov"
        if length == 0:
            place = size
        elif length < 8 or place + length > size:
            return place + length if length >= 8 else None
        else:
            place += length
    return size if described and place == size else None


def _matroska(file: IO[bytes], size: int) -> int | None:
    """Returns the end of the last element; recordings by browsers do not state their length."""
    for length in _matroska_elements(file):
        if length is None:
            return None
        if file.tell() + length > size:
            return file.tell() + length
        file.seek(length, os.SEEK_CUR)
    return size


def _matroska_elements(file: IO[bytes]) -> Iterator[int | None]:
    """Yields lengths of elements; 0 for elements to enter, None if the file ends in a header."""
    inside = (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75")
    while first := file.read(1):
        name = first + file.read(max(8 - first[0].bit_length(), 0))
        begin = file.read(1)
        if not begin or not begin[0]:
            yield None
            return
        count = 8 - begin[0].bit_length()
        rest = file.read(count)
        value = int.from_bytes(bytes([begin[0] & (0x7F >> count)]) + rest, "big")
        unknown = value == (1 << 7 * (count + 1)) - 1
        if len(rest) < count:
            yield None
        elif unknown:
            yield 0 if name in inside else None
        else:
            yield value


def _asf(file: IO[bytes], size: int) -> int:
    place = file.tell()
    while place + 24 <= size:
        file.seek(place + 16)
        length = _number(file, "<Q")
        if length < 24:
            break
        place += length
    return max(place, size) if place < 1 << 62 else size


def _adts(file: IO[bytes], size: int) -> int:
    place = file.tell()
    while place < size:
        file.seek(place)
        head = file.read(7)
        if head[:1] != b"\xff" or len(head) < 2 or head[1] & 0xF6 != 0xF0:
            return size
        if len(head) < 7:
            return place + 7 + _TOLERATED_BYTES
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if length < 7:
            return size
        if place + length > size:
            return size + _TOLERATED_BYTES + length
        place += length
    return size


_NEEDED: dict[str, Callable[[IO[bytes], int], int | None]] = {
    "wave": _wave,
    "avi": _sized(4, "<I", 8),
    "iff": _sized(4, ">I", 8),
    "w64": _sized(16, "<Q", 0),
    "au": _au,
    "caf": _caf,
    "ogg": _ogg,
    "nist": _nist,
    "voc": _voc,
    "mp4": _mp4,
    "matroska": _matroska,
    "asf": _asf,
    "adts": _adts,
    "mpeg": mpeg_end,
}
