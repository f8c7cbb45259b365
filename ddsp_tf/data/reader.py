"""Random access to a prepared dataset: any stretch of any recording, as numpy arrays."""

import os
import sys

import numpy as np

from ddsp_tf.data.manifest import INDEX_NAME, Manifest, as_manifest
from ddsp_tf.data.records import ARRAYS, INDEX_DTYPE, read_stretch
from ddsp_tf.errors import UserError


class DatasetReader:
    """Reads stretches of the recordings of one split.

    Files are opened for each stretch and nothing is kept, so memory does not grow with the
    dataset.

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
        UserError: If the split is empty or the dataset is incomplete.
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
            size = path.stat().st_size if path.is_file() else None
            if size != shard.size_bytes:
                found = "is missing" if size is None else f"has {size} bytes"
                raise UserError(
                    f"{path}: {found}; expected {shard.size_bytes} bytes; copy the dataset again "
                    "or prepare it again"
                )

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
