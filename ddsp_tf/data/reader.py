"""Random access to a prepared dataset: any stretch of any recording, as numpy arrays."""

import os
import sys

import numpy as np

from ddsp_tf.data.integrity import check_shard, read_index
from ddsp_tf.data.manifest import Manifest, as_manifest
from ddsp_tf.data.records import ARRAYS, read_stretch
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
        if sys.byteorder != "little":
            raise UserError("datasets: this machine is big-endian; expected a little-endian one")
        for shard in self.manifest.shards:
            check_shard(self.folder, shard)
        index = read_index(self.manifest)
        chosen = [k for k, file in enumerate(self.manifest.files) if file.split == split]
        self.rows = [index[index["file"] == number] for number in chosen]

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
