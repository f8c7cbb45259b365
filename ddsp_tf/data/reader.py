"""Random access to a prepared dataset: any stretch of any recording, as numpy arrays."""

import os
import sys

import numpy as np

from ddsp_tf.data.manifest import INDEX_NAME, Manifest, as_manifest
from ddsp_tf.data.records import ARRAYS, INDEX_DTYPE, read_stretch
from ddsp_tf.errors import UserError
from ddsp_tf.features.loudness import FLOOR_DB


class DatasetReader:
    """Reads stretches of the recordings of one split.

    Files are opened for each stretch and nothing is kept, so memory does not grow with the
    dataset and any number of threads may read.

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

    def allocate(self, frames: int, *batch: int) -> dict[str, np.ndarray]:
        """Makes empty arrays for stretches.

        Args:
            frames: Frames of a stretch.
            *batch: Leading dimensions.

        Returns:
            `audio` [*batch, frames * hop] and the features [*batch, frames], float32.
        """
        return {
            name: np.empty((*batch, frames * (self.hop if name == "audio" else 1)), np.float32)
            for name in ARRAYS
        }

    def read_into(self, file: int, first: int, into: dict[str, np.ndarray]) -> int:
        """Fills arrays with a stretch of a recording.

        Beyond the recording's end the stretch is silent: audio 0, levels at the floor,
        confidence 0, and pitch held.

        Args:
            file: Index into `files`.
            first: First frame, counted from the start of `files[file]`.
            into: Contiguous `audio` [frames * hop] and features [frames].

        Returns:
            How many frames were there to be read.
        """
        frames = into["f0_hz"].size
        valid = min(frames, self.files[file].frames - first)
        rows = self.rows[file]
        starts = rows["start_frame"] - self.files[file].start_frame
        done = 0
        while done < valid:
            number = int(np.searchsorted(starts, first + done, side="right")) - 1
            inside = first + done - int(starts[number])
            count = min(valid - done, int(rows[number]["frames"]) - inside)
            path = self.folder / self.manifest.shards[int(rows[number]["shard"])].name
            with open(path, "rb", buffering=0) as opened:
                read_stretch(opened, rows[number], inside, into, done, count)
            done += count
        into["audio"][valid * self.hop :] = 0.0
        into["f0_hz"][valid:] = into["f0_hz"][valid - 1]
        into["f0_confidence"][valid:] = 0.0
        into["loudness_db"][valid:] = FLOOR_DB
        into["power_db"][valid:] = FLOOR_DB
        return valid

    def read(self, file: int, first: int = 0, frames: int | None = None) -> dict[str, np.ndarray]:
        """Reads a stretch of a recording into new arrays; see `read_into`.

        Args:
            file: Index into `files`.
            first: First frame, counted from the start of `files[file]`.
            frames: Frames to read; by default all that follow.

        Returns:
            `audio` [frames * hop] and the features [frames], float32.
        """
        arrays = self.allocate(self.files[file].frames - first if frames is None else frames)
        self.read_into(file, first, arrays)
        return arrays
