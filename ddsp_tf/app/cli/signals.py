"""Ctrl-C, SIGTERM and SIGHUP stop every command in the same way, with one sentence."""

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ddsp_tf.app.command import leave

_PATIENCE_SECONDS = 10.0
_AGAIN_SECONDS = 0.05
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# Messages that are true wherever a command was stopped. Training itself prints a more precise one.
SENTENCES = {
    "run": "stopped; finished stages and recordings are kept; the same command resumes",
    "prepare": "stopped; finished recordings are kept; the same command resumes",
    "train": "stopped; the checkpoints so far are kept; the same command resumes",
    "evaluate": "stopped before the evaluation was complete; run the same command again",
    "export": "stopped; an export is written only when it is complete; run the same command again",
    "play": "stopped",
    "features": "stopped; a file is written only when it is complete; run the same command again",
    "notes": "stopped; a file is written only when it is complete; run the same command again",
    "synthesize": "stopped; a file is written only when it is complete; run the same command again",
}


class StopSignals:
    """Turns the first of several signals into a KeyboardInterrupt while a block runs.

    Further signals are ignored, so that nothing interrupts the saving and cleanup after the first
    one; after ten seconds they end the process at once. A signal that the process ignored from the
    start, as under `nohup`, stays ignored.

    Python drops an exception that is raised during garbage collection or in `__del__`, and only
    reports it to `sys.unraisablehook`. The exception is then raised again a moment later.

    Attributes:
        received: Number of the first signal, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._since = 0.0
        self._earlier: dict[int, Any] = {}
        self._earlier_hook = sys.unraisablehook

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                earlier = signal.getsignal(number)
                if earlier not in (signal.SIG_IGN, None):
                    self._earlier[number] = earlier
                    signal.signal(number, self._stop)
            self._earlier_hook, sys.unraisablehook = sys.unraisablehook, self._raise_again
        return self

    def __exit__(self, *_: object) -> None:
        for number, earlier in self._earlier.items():
            signal.signal(number, earlier)
        sys.unraisablehook = self._earlier_hook

    @property
    def exit_code(self) -> int:
        """Exit code of a process that this signal ended."""
        return 128 + (self.received or signal.SIGINT)

    def _raise_again(self, dropped) -> None:
        if self.received is None or not isinstance(dropped.exc_value, KeyboardInterrupt):
            self._earlier_hook(dropped)
            return
        number, self.received = self.received, None
        again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received, self._since = number, time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._since > _PATIENCE_SECONDS:
            os.write(2, b"\nstopped at once, before everything was put in order\n")
            os._exit(128 + number)


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """Lets a signal end the process while the block runs, which only imports packages.

    A handler that raises, as in `StopSignals`, does so in the middle of an import: some packages
    drop the exception, and one crashed. Signals that are ignored stay ignored.
    """
    numbers = _SIGNALS if threading.current_thread() is threading.main_thread() else ()
    earlier = {number: signal.getsignal(number) for number in numbers}
    # The block may redirect standard error.
    stderr = os.dup(2)
    try:
        for number, handler in earlier.items():
            if callable(handler):
                signal.signal(number, functools.partial(leave, stderr=stderr))
        yield
    finally:
        for number, handler in earlier.items():
            if callable(handler):
                signal.signal(number, handler)
        os.close(stderr)
