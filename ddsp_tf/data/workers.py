"""Many recordings at once, in threads.

Threads are enough: decoding, resampling, ONNX Runtime and numpy's heavy parts leave the
interpreter to others, and threads need no second start of the program.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ddsp_tf.data.measuring import Task, measure

Progress = Callable[[float, int, str], None]


class _Stopped(Exception):
    """Ends the work on a recording, because another failed or the user stopped it."""


def processor_count() -> int:
    """Counts the processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def measure_in_threads(
    tasks: Sequence[Task], folder: Path, jobs: int | None, on_progress: Progress
) -> None:
    """Measures recordings, the largest first, and leaves the outcomes in a folder.

    Args:
        tasks: What to measure.
        folder: Gets the outcomes; see `measure`.
        jobs: Recordings at a time; by default one for each processor.
        on_progress: Called with recordings done, counting shares of those in work; recordings
            in all; and the name of one that has just advanced.

    Raises:
        OSError: If the folder cannot be written.
    """
    shares: dict[str, float] = {}
    lock, stop = threading.Lock(), threading.Event()

    def work(task: Task) -> None:
        def advance(share: float) -> None:
            if stop.is_set():
                raise _Stopped
            with lock:
                shares[task.key] = share
                on_progress(sum(shares.values()), len(tasks), task.source)

        advance(0.0)
        measure(task, folder, advance)
        advance(1.0)

    largest_first = sorted(tasks, key=lambda task: -_size(task.path))
    with ThreadPoolExecutor(jobs or processor_count()) as executor:
        futures = [executor.submit(work, task) for task in largest_first]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            stop.set()
            executor.shutdown(cancel_futures=True)


def _size(path: Path) -> int:
    """A file's size; 0 if it has gone, which measuring it will say."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
