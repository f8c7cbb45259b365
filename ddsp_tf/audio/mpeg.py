"""The length of MPEG audio (.mp3) according to its headers: ISO/IEC 11172-3, Xing and VBRI."""

from typing import IO

# Kilobits per second by the header's four bits: MPEG 1 layers I to III, then MPEG 2.
_RATES = {
    (1, 1): "32 64 96 128 160 192 224 256 288 320 352 384 416 448",
    (1, 2): "32 48 56 64 80 96 112 128 160 192 224 256 320 384",
    (1, 3): "32 40 48 56 64 80 96 112 128 160 192 224 256 320",
    (2, 1): "32 48 56 64 80 96 112 128 144 160 176 192 224 256",
    (2, 2): "8 16 24 32 40 48 56 64 80 96 112 128 144 160",
    (2, 3): "8 16 24 32 40 48 56 64 80 96 112 128 144 160",
}
_KILOBITS = {key: tuple(map(int, text.split())) for key, text in _RATES.items()}
_SAMPLE_RATES = (44100, 48000, 32000)


def mpeg_end(file: IO[bytes], size: int) -> int | None:
    """Finds the end of an MPEG audio stream according to its headers.

    Args:
        file: File, positioned at its first frame.
        size: Size of the file in bytes.

    Returns:
        Number of bytes that the file should have; its size if the stream states no length, None if
        the file ends inside a frame.
    """
    start = file.tell()
    first = file.read(2048)
    if claimed := _claimed_bytes(first):
        return start + claimed
    place = start
    while place < size:
        file.seek(place)
        head = file.read(4)
        length = frame_bytes(head)
        if length == 0:
            # Tags or garbage after the last frame.
            return size
        if place + length > size:
            return None
        place += length
    return size


def _claimed_bytes(first: bytes) -> int:
    """Returns the bytes of the stream according to its first frame; 0 if that states none."""
    for name in (b"Xing", b"Info"):
        place = first.find(name, 0, 200)
        if place > 0:
            flags = int.from_bytes(first[place + 4 : place + 8], "big")
            at = place + 8 + 4 * (flags & 1)
            return int.from_bytes(first[at : at + 4], "big") if flags & 2 else 0
    if first[36:40] == b"VBRI":
        return int.from_bytes(first[46:50], "big")
    return 0


def frame_bytes(head: bytes) -> int:
    """Computes the length of a frame.

    Args:
        head: First four bytes of the frame.

    Returns:
        Bytes of the frame; 0 if this is not a frame, or has a free bit rate.

    Example:
        >>> frame_bytes(bytes.fromhex("fffb9064"))
        417
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or rate in (0, 15) or sample_rate == 3:
        return 0
    hertz = _SAMPLE_RATES[sample_rate] // {3: 1, 2: 2, 0: 4}[version]
    bits = 1000 * _KILOBITS[1 if version == 3 else 2, layer][rate - 1]
    padding = head[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    samples = 1152 if version == 3 or layer == 2 else 576
    return samples // 8 * bits // hertz + padding
