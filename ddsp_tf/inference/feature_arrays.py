"""Reading of arrays from `.npz` files, which may be damaged or malicious."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ddsp_tf.errors import UserError

# Largest array: eight hours at 500 frames per second, in float64.
_LARGEST_BYTES = 1 << 27
# The best compression that deflate can achieve.
_LARGEST_RATIO = 1032


def read_arrays(
    path: Path, wanted: Iterable[str], kind: str = "a feature file"
) -> dict[str, np.ndarray]:
    """Reads arrays from an `.npz` file.

    Sizes that the file states are compared with its own size before memory is allocated. Nothing in
    it is executed, because pickled objects are refused.

    Args:
        path: File to read.
        wanted: Names of the arrays to read; others are ignored.
        kind: Kind of file that is expected, for the message.

    Returns:
        Dictionary of those arrays that are present.

    Raises:
        UserError: If the file is not an `.npz`, is damaged, encrypted or too large.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            for name in wanted:
                if f"{name}.npy" in names:
                    arrays[name] = _read_array(archive, f"{name}.npy")
    except Exception as error:  # zipfile, zlib and numpy raise many types for damaged files.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"{path}: not {kind} ({reason}); expected an .npz") from error
    return arrays


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    member = archive.getinfo(name)
    limit = min(_LARGEST_BYTES, _LARGEST_RATIO * member.compress_size + 1024)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way that numpy does not use")
    if member.file_size > limit:
        raise ValueError(f"{name} claims {member.file_size} bytes; expected at most {limit}")
    with archive.open(member) as file:
        content = io.BytesIO(file.read(member.file_size))
        if file.read(1):
            raise ValueError(f"{name} is longer than it claims")
    version = np.lib.format.read_magic(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, _, dtype = read_header(content)
    size = int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize
    if size != content.getbuffer().nbytes - content.tell():
        raise ValueError(f"{name} claims the shape {shape}, of another size than its content")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)
