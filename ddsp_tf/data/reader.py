"""Random access to a prepared dataset: any stretch of any recording, as numpy arrays."""

import functools
import os
import sys
from pathlib import Path

import numpy as np

from ddsp_tf.data.audio_files import file_sha256
from ddsp_tf.data.manifest import INDEX_NAME, Manifest, Shard, as_manifest
from ddsp_tf.data.records import ARRAYS, INDEX_DTYPE, read_stretch
from ddsp_tf.errors import UserError


class DatasetReader:
    """Reads stretches of the recordings of one split.

    Files are opened for each stretch and nothing is kept, so memory does not grow with the
    dataset. The first reader of a dataset in a program compares the checksums of all shards; what
    has not changed since is not read again.

    Args:
        dataset: A manifest or the folder of a dataset.
        split: "train" or "validation".

    Attributes:
        manifest: Of the dataset.
        folder: Of the dataset.
        hop: Samples between two frames.
        files: The recordings of the split.
        rows: For each of them the rows of the index, in order of time.

    Raises:
        UserError: If the split is empty or the dataset is incomplete or damaged; names the file.
    """

    def __init__(self, dataset: Manifest | str | os.PathLike, split: str) -> None:
        self.manifest = as_manifest(dataset)
        self.folder = self.manifest.folder
        if self.folder is None:
            raise UserError("dataset: this manifest was not loaded from a folder; load it first")
        self.files = self.manifest.files_of(split)
        self.hop = self.manifest.hop
        self._check_shards()
        index = self._read_index()
        chosen = [k for k, file in enumerate(self.manifest.files) if file.split == split]
        self.rows = [index[index["file"] == number] for number in chosen]

    def _check_shards(self) -> None:
        if sys.byteorder != "little":
            raise UserError("datasets: this machine is big-endian; expected a little-endian one")
        for shard in self.manifest.shards:
            path = self.folder / shard.name
            if found := _difference(path, shard):
                raise UserError(f"{path}: {found}; copy the dataset again or prepare it again")

    def _read_index(self) -> np.ndarray:
        path = self.folder / INDEX_NAME
        try:
            index = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{path}: cannot be read ({error}); copy or prepare the dataset again"
            ) from error
        if getattr(index, "dtype", None) != INDEX_DTYPE or index.size != sum(
            shard.records for shard in self.manifest.shards
        ):
            raise UserError(f"{path}: does not belong to this dataset; prepare it again")
        return index

    def shard_paths(self) -> list[str]:
        """Lists the split's TFRecord files; read one after the other they give `files`."""
        numbers = sorted({int(number) for rows in self.rows for number in rows["shard"]})
        return [str(self.folder / self.manifest.shards[number].name) for number in numbers]

    def read(self, file: int, first: int = 0, frames: int | None = None) -> dict[str, np.ndarray]:
        """Reads a stretch of a recording.

        Args:
            file: Index into `files`.
            first: First frame, counted from the start of `files[file]`.
            frames: Frames to read; by default all that follow.

        Returns:
            `audio` [frames * hop] and the features [frames], float32.
        """
        frames = self.files[file].frames - first if frames is None else frames
        arrays = {
            name: np.empty(frames * (self.hop if name == "audio" else 1), np.float32)
            for name in ARRAYS
        }
        rows = self.rows[file]
        starts = rows["start_frame"] - self.files[file].start_frame
        done = 0
        while done < frames:
            number = int(np.searchsorted(starts, first + done, side="right")) - 1
            inside = first + done - int(starts[number])
            count = min(frames - done, int(rows[number]["frames"]) - inside)
            path = self.folder / self.manifest.shards[int(rows[number]["shard"])].name
            with open(path, "rb", buffering=0) as opened:
                read_stretch(opened, rows[number], inside, arrays, done, count)
            done += count
        return arrays


def _difference(path: Path, shard: Shard) -> str:
    """Says how a shard differs from what the manifest tells of it, or nothing."""
    if not path.is_file():
        return "is missing"
    status = path.stat()
    if status.st_size != shard.size_bytes:
        return f"has {status.st_size} bytes; expected {shard.size_bytes} bytes"
    if _sha256_at(path, status.st_mtime_ns, status.st_size) != shard.sha256:
        return "is damaged: its bytes are not those that were written"
    return ""


@functools.cache
def _sha256_at(path: Path, modified_ns: int, size: int) -> str:
    """The checksum of a file as it was at a time: read once for all readers of a program."""
    return file_sha256(path)
