"""Checkpoints of a run: everything needed to go on, in one file of either backend."""

import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np

from ddsp_tf.files.atomic import atomic_path

_NAME = re.compile(r"step_(\d+)\.npz")
_RECORD = "record"


class Checkpoints:
    """The last few checkpoints in a folder.

    A file is written under another name and renamed when complete, so a stop at any moment leaves
    the one before.

    Args:
        folder: Where they are; need not exist yet.
        keep: How many are kept.

    Example:
        >>> import tempfile
        >>> checkpoints = Checkpoints(tempfile.mkdtemp(), keep=2)
        >>> for step in (10, 20, 30):
        ...     _ = checkpoints.save(step, {"w": np.full(2, step)}, {"seconds": 1.5})
        >>> [path.name for path in checkpoints.paths()]
        ['step_00000020.npz', 'step_00000030.npz']
        >>> step, arrays, record = checkpoints.latest()
        >>> step, arrays["w"].tolist(), record
        (30, [30, 30], {'seconds': 1.5})
    """

    def __init__(self, folder: str | os.PathLike, keep: int):
        self.folder, self.keep = Path(folder), keep

    def paths(self) -> list[Path]:
        """Returns the complete checkpoints, the oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def save(self, step: int, arrays: dict[str, np.ndarray], record: dict) -> Path:
        """Writes a checkpoint and removes those too old.

        Args:
            step: Its step.
            arrays: Arrays by name.
            record: Anything else, as JSON takes it.

        Returns:
            The file.

        Raises:
            UserError: If it cannot be written.
        """
        path = self.folder / f"step_{step:08d}.npz"
        with atomic_path(path) as temporary:
            content: dict = {**arrays, _RECORD: np.array(json.dumps(record))}
            np.savez(temporary, **content)
        for old in self.paths()[: -self.keep]:
            old.unlink()
        return path

    def latest(self) -> tuple[int, dict[str, np.ndarray], dict] | None:
        """Reads the newest checkpoint that is whole.

        Returns:
            Step, arrays and record; None if there is no checkpoint.
        """
        for path in reversed(self.paths()):
            try:
                with np.load(path, allow_pickle=False) as content:
                    arrays = dict(content)
                record = json.loads(str(arrays.pop(_RECORD)))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                # A disk can lose what a kill cannot; the one before may still be whole.
                continue
            return int(_NAME.fullmatch(path.name)[1]), arrays, record
        return None
