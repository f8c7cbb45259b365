"""A second process, which works for a command while the command does something else."""

import contextlib
import importlib
import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from ddsp_tf.app.cli.signals import StopSignals
from ddsp_tf.backend.native_output import quiet
from ddsp_tf.errors import UserError

# The GPU belongs to the command.
_ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}


class WorkerProcess:
    """A process that starts at once, imports modules, and calls one function on the CPU.

    If it ends before it has a result, because the system killed it for example, the function is
    called in this process instead. It is stopped at the end of the block, and ends by itself if
    this process is killed.

    Args:
        modules: Names of the modules to import.

    Example:
        >>> import math
        >>> with WorkerProcess(["math"]) as worker:
        ...     root = worker.begin(math.sqrt, 9.0)
        ...     root()
        3.0
    """

    def __init__(self, modules: Sequence[str]):
        # A fork would inherit threads' locks, and a GPU that it cannot use.
        context = multiprocessing.get_context("spawn")
        self._pipe, self._other_end = context.Pipe()
        arguments = (self._other_end, tuple(modules))
        self._process = context.Process(target=_work, args=arguments, daemon=True)

    def __enter__(self) -> "WorkerProcess":
        self._process.start()
        # So that the pipe breaks when the process ends.
        self._other_end.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._pipe.close()

    def begin(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Begins to call a function.

        Args:
            function: Function of a module.
            *arguments: Its arguments, which can be pickled, as its result can.

        Returns:
            Function that waits for the result and returns it, or raises the function's `UserError`.
        """
        with contextlib.suppress(OSError):
            self._pipe.send((function, arguments))

        def result() -> Any:
            try:
                found = self._pipe.recv()
            except (EOFError, OSError):
                return function(*arguments)
            if isinstance(found, UserError):
                raise found
            return found

        return result


def _work(pipe: Connection, modules: Sequence[str]) -> None:
    """Calls the function that comes through a pipe; after an error of ours, the caller does."""
    if hasattr(os, "setsid"):
        # Ctrl-C in the terminal is for the command alone.
        os.setsid()
    os.environ.update(_ON_CPU)
    with contextlib.suppress(Exception), quiet():
        for module in modules:
            importlib.import_module(module)
    # SIGTERM interrupts the function, which then removes its unfinished files.
    with contextlib.suppress(Exception, KeyboardInterrupt), StopSignals():
        function, arguments = pipe.recv()
        try:
            found = function(*arguments)
        except UserError as error:
            # Not every subclass can be pickled.
            found = UserError(str(error))
        pipe.send(found)
