"""What commands print, and how."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def quiet_native_logs():
    """Silences what native libraries write to standard error; Python's own errors still show.

    TensorFlow writes start-up notes before any of its log settings take effect, so the file
    descriptor itself is redirected, and Python's standard error moves to a copy of it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    copy = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    sys.stderr = os.fdopen(copy, "w", buffering=1, encoding=sys.stderr.encoding, errors="replace")


class Bar:
    """A bar that can be moved, and written above.

    Args:
        progress: The `rich.progress.Progress` it is part of.
        task: Its number there.
    """

    def __init__(self, progress: Any, task: Any):
        self._progress, self._task = progress, task

    def __call__(self, done: int, text: str = "", total: int | None = None):
        """Moves the bar to `done` of `total` steps (None: as before); `text` stands behind it."""
        changes: dict[str, Any] = {"completed": done, "text": text}
        if total is not None:
            changes["total"] = total
        self._progress.update(self._task, **changes)

    def note(self, text: str):
        """Prints a line above the bar."""
        self._progress.console.print(text, style="yellow", markup=False)


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[Bar]:
    """Shows a bar on standard error while the block runs.

    Args:
        what: Text before the bar.
        total: Steps in all, if known.

    Yields:
        The bar.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console) as progress:
        yield Bar(progress, progress.add_task(what, total=total, text=""))


def print_table(title: str, rows: list[tuple[str, str]]):
    """Prints names and values in two columns on standard output.

    Args:
        title: Heading.
        rows: Pairs of name and value.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in rows:
        table.add_row(name, str(value))
    Console(file=sys.stdout, soft_wrap=False).print(table)
