"""The TFRecord format and `tf.train.Example`, written without TensorFlow.

Preparing a dataset then needs no TensorFlow in its workers, and the bytes of a record depend on
its content alone, while protocol buffer libraries may order a map's entries differently each time.

Formats: https://www.tensorflow.org/tutorials/load_data/tfrecord (framing and masked checksums)
and https://protobuf.dev/programming-guides/encoding. Checksum: CRC-32C, RFC 3720, appendix B.4.
"""

import struct
from functools import lru_cache
from typing import IO

import numpy as np

_POLYNOMIAL = 0x82F63B78
_LANE_BYTES = 512
_SHORT_LANE_BYTES = 16


def write_record(file: IO[bytes], record: bytes) -> int:
    """Writes one record with its framing.

    Args:
        file: Opened for writing bytes.
        record: The content.

    Returns:
        Bytes written: those of the record and 16 more, 12 of them before it.

    Raises:
        OSError: If there is no room.
    """
    length = struct.pack("<Q", len(record))
    file.write(length + struct.pack("<I", masked_crc32c(length)))
    file.write(record)
    file.write(struct.pack("<I", masked_crc32c(record)))
    return len(record) + 16


def masked_crc32c(content: bytes) -> int:
    """Gives the checksum that TFRecord files hold.

    Args:
        content: Any bytes.

    Returns:
        CRC-32C, rotated by 15 bits and shifted, as an unsigned 32-bit number.
    """
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(content: bytes) -> int:
    """Computes CRC-32C (Castagnoli) with numpy.

    The content is cut into lanes whose registers advance together. A checksum is linear, so the
    lanes are joined pairwise: the left one, moved on by the zeros of the right one's length, plus
    the right one.

    Args:
        content: Any bytes.

    Returns:
        The checksum, an unsigned 32-bit number.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    if len(content) < 4:
        return _crc32c_of_a_few_bytes(content)
    lane = _LANE_BYTES if len(content) > 8 * _LANE_BYTES else _SHORT_LANE_BYTES
    lanes = 1 << (-(-len(content) // lane) - 1).bit_length()
    # Zeros in front leave an empty register empty; its true start value, all ones, is added to
    # the first four bytes instead.
    padded = np.zeros(lanes * lane, np.uint8)
    padded[padded.size - len(content) :] = np.frombuffer(content, np.uint8)
    padded[padded.size - len(content) :][:4] ^= 0xFF
    words = np.ascontiguousarray(padded.view("<u2").reshape(lanes, -1).T)
    table = _word_table()
    registers = np.zeros(lanes, np.uint32)
    for word in words:
        registers = table[(registers ^ word) & 0xFFFF] ^ (registers >> 16)
    while registers.size > 1:
        registers = _shift(registers[0::2], lane) ^ registers[1::2]
        lane *= 2
    return int(registers[0]) ^ 0xFFFFFFFF


def _crc32c_of_a_few_bytes(content: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@lru_cache(maxsize=1)
def _word_table() -> np.ndarray:
    """What two bytes of zeros make of each value of the low 16 bits, uint32 [65536]."""
    registers: np.ndarray = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(16):
        registers = (registers >> 1) ^ np.where(registers & 1, np.uint32(_POLYNOMIAL), 0)
    return registers.astype(np.uint32)


def _shift(registers: np.ndarray, length: int) -> np.ndarray:
    """Moves registers on by some zero bytes, a power of two of them, 2 or more."""
    shifted = np.zeros_like(registers)
    for bit, column in enumerate(_shift_columns(length)):
        shifted ^= np.where(registers >> bit & 1, np.uint32(column), np.uint32(0))
    return shifted


@lru_cache(maxsize=64)
def _shift_columns(length: int) -> tuple[int, ...]:
    """What `length` zero bytes make of each single bit."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    if length == 2:
        moved = _word_table()[bits & 0xFFFF] ^ (bits >> 16)
    else:
        moved = _shift(_shift(bits, length // 2), length // 2)
    return tuple(int(column) for column in moved)


def encode_example(values: dict[str, bytes | int | np.ndarray]) -> tuple[bytes, dict[str, int]]:
    """Serializes a `tf.train.Example`, features in order of their names.

    Args:
        values: Bytes become a `bytes_list` of one, whole numbers (0 or more) an `int64_list` of
            one, arrays a `float_list` (float32, packed).

    Returns:
        The serialized example, and for each name the offset where its value begins in it.

    Example:
        >>> record, offsets = encode_example({"f0_hz": np.float32([440.0]), "hop": 64})
        >>> np.frombuffer(record, "<f4", count=1, offset=offsets["f0_hz"]).item()
        440.0
    """
    entries, ends, sizes = [], {}, {}
    place = 0
    for name, value in sorted(values.items()):
        if isinstance(value, np.ndarray):
            kind, payload = 2, np.ascontiguousarray(value, "<f4").tobytes()
        elif isinstance(value, int):
            kind, payload = 3, _varint(value)
        else:
            kind, payload = 1, bytes(value)
        feature = _field(kind, _field(1, payload))
        entry = _field(1, _field(1, name.encode()) + _field(2, feature))
        entries.append(entry)
        place += len(entry)
        ends[name], sizes[name] = place, len(payload)
    features = b"".join(entries)
    record = _field(1, features)
    header = len(record) - len(features)
    return record, {name: header + ends[name] - sizes[name] for name in ends}


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes: its number and wire type 2, its length, its content."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first."""
    groups = []
    while True:
        value, group = value >> 7, value & 0x7F
        groups.append(group | (0x80 if value else 0))
        if not value:
            return bytes(groups)
