"""A second process, which works for a command while the command does something else."""

import contextlib
import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ddsp_tf.app.cli.signals import StopSignals
from ddsp_tf.backend.native_output import quiet
from ddsp_tf.errors import UserError

# The GPU belongs to the command.
_ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
_PROGRAM = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from ddsp_tf.app.cli.worker_process import work
work()
"""


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
        # `multiprocessing` would run the command's script again.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ON_CPU},
            start_new_session=True,  # Ctrl-C in the terminal is for the command alone.
        )
        assert self._process.stdin and self._process.stdout
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._send(sys.path)
        self._send(tuple(modules))

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with contextlib.suppress(OSError):
            self._process.communicate()

    def begin(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Begins to call a function.

        Args:
            function: Function of a module.
            *arguments: Its arguments, which can be pickled, as its result can.

        Returns:
            Function that waits for the result and returns it, or raises the function's `UserError`.
        """
        self._send((function, arguments))

        def result() -> Any:
            try:
                found = pickle.load(self._answers)
            except (EOFError, pickle.UnpicklingError):
                return function(*arguments)
            if isinstance(found, UserError):
                raise found
            return found

        return result

    def _send(self, content: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # The process has ended.
            pickle.dump(content, self._requests)
            self._requests.flush()


def work() -> None:
    """Calls the function that standard input names; after an error of ours, the caller does."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # For what others print.
    modules = pickle.load(sys.stdin.buffer)
    with contextlib.suppress(Exception), quiet():
        for module in modules:
            importlib.import_module(module)
    # SIGTERM interrupts the function, which then removes its unfinished files.
    with contextlib.suppress(Exception, KeyboardInterrupt), StopSignals():
        function, arguments = pickle.load(sys.stdin.buffer)
        try:
            found = function(*arguments)
        except UserError as error:
            # Not every subclass can be pickled.
            found = UserError(str(error))
        pickle.dump(found, answers)
        answers.flush()
