"""Training in several processes, on one host or many, that `jax.distributed` has connected.

All processes compute the same steps, each with its part of every batch, and agree on when to
validate and when to stop. The first one works in the folder of the run. The others work in
temporary copies, so nothing is written twice and the hosts need not share a disk.
"""

import contextlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from ddsp_tf.errors import Stopped, UserError
from ddsp_tf.files.run_directory import RunDirectory


def process_count() -> int:
    """Returns the number of processes that train together.

    Example:
        >>> process_count()
        1
    """
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def process_number() -> int:
    """Returns the number of this process, from 0.

    Example:
        >>> process_number()
        0
    """
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return jax.process_index()


def own_part(size: int) -> slice:
    """Returns the part of a batch that this process gives to `fit`.

    Args:
        size: Number of clips in a batch of all processes, a multiple of the number of processes.

    Example:
        >>> own_part(8)
        slice(0, 8, None)
    """
    share = size // process_count()
    return slice(process_number() * share, (process_number() + 1) * share)


def in_any(condition: bool) -> bool:
    """Tells whether a condition is true in any process; all of them must call it.

    Example:
        >>> in_any(False)
        False
    """
    if process_count() == 1:
        return condition
    from jax.experimental import multihost_utils

    return bool(multihost_utils.process_allgather(np.array(condition)).any())


@contextlib.contextmanager
def own_copy(folder: str | os.PathLike) -> Iterator[Path]:
    """Gives every process its own folder of the run to work in.

    Args:
        folder: Folder of the run. Only the first process reads and writes it.

    Yields:
        The folder itself in the first process; in the others, a temporary copy of the files that a
        training resumes from, which is removed at the end.

    Example:
        >>> with own_copy("my_run") as path:
        ...     path.name
        'my_run'
    """
    if process_count() == 1:
        yield Path(folder)
        return
    from jax.experimental import multihost_utils

    first = process_number() == 0
    packed = _packed(RunDirectory(folder)) if first else b""
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(packed))))
    content = np.frombuffer(packed, np.uint8) if first else np.zeros(size, np.uint8)
    content = multihost_utils.broadcast_one_to_all(content)
    if first:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, Path(folder).name)
        with tarfile.open(fileobj=io.BytesIO(np.asarray(content).tobytes())) as archive:
            archive.extractall(copy, filter="data")
        try:
            yield copy
        except (Stopped, UserError) as error:
            error.args = (str(error).replace(str(copy), str(folder)),)
            raise


def _packed(run: RunDirectory) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in (run.record, run.configuration, run.checkpoints, run.metrics, run.timing):
            if path.exists():
                archive.add(path, path.relative_to(run.path))
    return buffer.getvalue()
