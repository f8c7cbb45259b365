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


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[Any]:
    """Shows a bar on standard error while the block runs.

    Args:
        what: Text before the bar.
        total: Steps in all, if known.

    Yields:
        Function `advance(done, text="", total=None)` that moves the bar; its attribute
        `advance.note(text)` prints a line above it.
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
        task = progress.add_task(what, total=total, text="")

        def advance(done: int, text: str = "", total: int | None = None):
            changes: dict[str, Any] = {"completed": done, "text": text}
            if total is not None:
                changes["total"] = total
            progress.update(task, **changes)

        def note(text: str):
            progress.console.print(text, style="yellow", markup=False)

        advance.note = note  # type: ignore[attr-defined]
        yield advance


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
