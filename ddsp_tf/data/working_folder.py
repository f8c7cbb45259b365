"""A folder in which unfinished preparation waits for the call that finishes it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ddsp_tf.data.manifest import SkippedFile
from ddsp_tf.data.measuring import Task
from ddsp_tf.data.parts import Part, load_outcome, records_path
from ddsp_tf.data.reuse import reuse
from ddsp_tf.data.selection import Candidate
from ddsp_tf.data.workers import Progress
from ddsp_tf.errors import UserError

Measurer = Callable[..., None]


class UnusableError(UserError):
    """Nothing can be made of the recordings, so what was measured is not worth keeping."""


@contextmanager
def working_folder(work: Path, fresh: bool) -> Iterator[None]:
    """Opens a working folder, and removes it in the end.

    What a killed process left unfinished in it is removed first. It stays after a failure that
    is not the recordings' fault (a full disk, Ctrl-C) if it holds finished work.

    Args:
        work: The folder.
        fresh: Whether to remove finished work as well.

    Raises:
        OSError: If it cannot be written.
    """
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    for entry in work.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name.startswith("."):
            entry.unlink()
    try:
        yield
    except BaseException as error:
        if isinstance(error, UnusableError) or not any(work.glob("*.records")):
            shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)


def measure_missing(
    tasks: list[Task],
    out: Path,
    work: Path,
    measurer: Measurer,
    on_progress: Progress | None,
) -> None:
    """Measures whatever neither a stopped call nor an earlier dataset has measured.

    Args:
        tasks: All recordings.
        out: Where the earlier dataset is, if there is one.
        work: The working folder; gets the outcomes.
        measurer: Called with the tasks left, `work`, and `on_progress`.
        on_progress: As for `prepare_dataset`.

    Raises:
        OSError: If the folder cannot be written.
    """
    report = on_progress or (lambda done, total, name: None)

    def missing() -> list[Task]:
        return [task for task in tasks if load_outcome(work, task.key) is None]

    reuse(missing(), out, work)
    todo = missing()
    done = len(tasks) - len(todo)
    report(done, len(tasks), "")
    if todo:
        measurer(
            todo, work, on_progress=lambda share, _, name: report(done + share, len(tasks), name)
        )
    report(len(tasks), len(tasks), "")


def collect(
    candidates: list[Candidate], tasks: dict[Candidate, Task], work: Path
) -> tuple[list[Part], list[SkippedFile]]:
    """Reads all outcomes, in the order of the candidates.

    Args:
        candidates: All recordings given.
        tasks: Those that were measured.
        work: The working folder.

    Returns:
        The usable recordings, and the others.

    Raises:
        OSError: If an outcome is not there.
    """
    parts, skipped = [], []
    for candidate in candidates:
        problem = candidate.problem
        if candidate in tasks:
            key = tasks[candidate].key
            outcome = load_outcome(work, key)
            if outcome is None:
                raise OSError(f"{candidate.source} was measured, but the result is lost")
            problem = outcome.problem
        if problem:
            skipped.append(SkippedFile(candidate.source, problem, candidate.sha256))
        else:
            path = records_path(work, key)
            parts.append(Part(path, outcome.rows, outcome.recording, candidate.held_out))
    return parts, skipped
