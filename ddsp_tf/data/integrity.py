"""Whether the files of a dataset are those that were written."""

import functools
from pathlib import Path

import numpy as np

from ddsp_tf.audio.files import file_sha256
from ddsp_tf.data.manifest import INDEX_NAME, Manifest, Shard
from ddsp_tf.data.records import INDEX_DTYPE
from ddsp_tf.errors import UserError


def check_shard(folder: Path, shard: Shard) -> None:
    """Compares a shard with what the manifest tells of it.

    Its bytes are read once in a program, and again only if the file has changed since.

    Args:
        folder: Of the dataset.
        shard: From its manifest.

    Raises:
        UserError: If it is missing, or has another size or content; names the file.
    """
    path = folder / shard.name
    size = path.stat().st_size if path.is_file() else None
    if size is None:
        found = "is missing"
    elif size != shard.size_bytes:
        found = f"has {size} bytes; expected {shard.size_bytes} bytes"
    elif _sha256_at(path, path.stat().st_mtime_ns, size) != shard.sha256:
        found = "is damaged: its bytes are not those that were written"
    else:
        return
    raise UserError(f"{path}: {found}; copy the dataset again or prepare it again")


@functools.cache
def _sha256_at(path: Path, modified_ns: int, size: int) -> str:
    """The checksum of a file as it was at a time."""
    return file_sha256(path)


def read_index(manifest: Manifest) -> np.ndarray:
    """Reads where each record of a dataset begins.

    Args:
        manifest: Of the dataset, with its folder.

    Returns:
        One row of `INDEX_DTYPE` a record.

    Raises:
        UserError: If the file cannot be read, is of another dataset, or is damaged.
    """
    path = Path(manifest.folder or "", INDEX_NAME)
    try:
        index = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"{path}: cannot be read ({error}); copy or prepare the dataset again"
        ) from error
    records = sum(shard.records for shard in manifest.shards)
    if getattr(index, "dtype", None) != INDEX_DTYPE or index.size != records:
        raise UserError(f"{path}: does not belong to this dataset; prepare it again")
    # Datasets that were made before there was a checksum have none.
    if manifest.index_sha256 not in ("", file_sha256(path)):
        raise UserError(
            f"{path}: is damaged: its bytes are not those that were written; copy the dataset "
            "again or prepare it again"
        )
    return index
