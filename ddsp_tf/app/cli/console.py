"""Progress bars and tables of the command line."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ddsp_tf.files.names import printable

_SECONDS_BETWEEN_LINES = 60.0


class Progress(Protocol):
    """Shows the progress of a command."""

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None:
        """Shows that `done` of `total` steps are done (None: unchanged), followed by a text."""

    def note(self, text: str) -> None:
        """Prints a separate line."""


class _Bar:
    """A bar in a terminal."""

    def __init__(self, progress: Any, task: Any):
        self._progress, self._task = progress, task

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None:
        changes: dict[str, Any] = {"completed": done, "text": printable(text)}
        if total is not None:
            changes["total"] = total
        self._progress.update(self._task, **changes)

    def note(self, text: str) -> None:
        # Only the terminal wraps it, so that a path in it can be copied.
        plain = {"markup": False, "highlight": False, "soft_wrap": True}
        self._progress.console.print(printable(text), style="yellow", **plain)


class _Lines:
    """Occasional lines, for output that goes to a file."""

    def __init__(self, what: str, total: float | None):
        self._what, self._total = what, total
        self._tenth, self._said_at = 0, time.monotonic()

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None:
        self._total = self._total if total is None else total
        count = f"{done:g}" if self._total is None else f"{done:g} of {self._total:g}"
        tenth = int(10 * done / self._total) if self._total else 0
        now = time.monotonic()
        if tenth == self._tenth and now - self._said_at < _SECONDS_BETWEEN_LINES:
            return
        self._tenth = tenth
        self._said_at = now
        self.note(f"{self._what}: {count}{f', {text}' if text else ''}")

    def note(self, text: str) -> None:
        print(printable(text), file=sys.stderr, flush=True)


@contextmanager
def progress_bar(what: str, total: float | None = None) -> Iterator[Progress]:
    """Shows progress on standard error: a bar in a terminal, occasional lines in a file.

    Args:
        what: Text before the bar.
        total: Number of steps in total, if known.

    Yields:
        Function `advance(done, total, text)`, with a method `note(text)`.
    """
    if not sys.stderr.isatty():
        yield _Lines(what, total)
        return
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
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        yield _Bar(progress, progress.add_task(what, total=total, text=""))


def print_table(title: str, rows: Sequence[tuple[str, object]]) -> None:
    """Prints names and values in two columns on standard output.

    Args:
        title: Heading.
        rows: Pairs of name and value; markup in them is not interpreted.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(printable(title)), title_justify="left", show_header=False)
    table.add_column()
    # A truncated path could not be copied.
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(printable(name)), Text(printable(value)))
    Console(file=sys.stdout, soft_wrap=False).print(table)
