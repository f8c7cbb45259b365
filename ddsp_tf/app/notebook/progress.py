"""A progress bar below a cell."""

import html
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Bar:
    """A progress bar below the cell that is running.

    Args:
        what: Text before the bar.
    """

    def __init__(self, what: str):
        from IPython.display import HTML, display

        self._what, self._start = what, time.monotonic()
        self._first: tuple[float, float] | None = None
        self._html = HTML
        self._handle = display(HTML(html.escape(what)), display_id=True)

    def update(self, done: float, total: float, text: str = ""):
        """Moves the bar.

        Args:
            done: Number of steps done.
            total: Number of steps in total.
            text: Text after the bar.
        """
        elapsed = time.monotonic() - self._start
        if self._first is None:
            # Resumed work does not start at 0.
            self._first = (done, elapsed)
        done_here = done - self._first[0]
        left = (elapsed - self._first[1]) * (total - done) / done_here if done_here > 0 else None
        times = f"{_clock(elapsed)}, {_clock(left)} left" if left else _clock(elapsed)
        count = f"{done:g} of {total:g}" if float(done).is_integer() else f"{done / total:.0%}"
        words = "; ".join(filter(None, [count, times, text]))
        self._handle.update(
            self._html(
                f"{html.escape(self._what)} <progress value='{done}' max='{total}' "
                f"style='vertical-align: middle'></progress> {html.escape(words)}"
            )
        )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


@contextmanager
def progress(what: str) -> Iterator:
    """Shows a bar below the cell while the block runs.

    Args:
        what: Text before the bar.

    Yields:
        Function `advance(done, total, text="")`, to pass as `on_progress`.

    Example:
        >>> with progress("preparing") as advance:  # doctest: +SKIP
        ...     advance(1, 2, "violin.wav")
    """
    yield Bar(what).update
