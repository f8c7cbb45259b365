"""A second process, which works for this one on the CPU.

Unlike those of `multiprocessing`, it does not run the main module again, so that scripts need no
guard, and it ends when this process is killed. Imports neither Keras nor a backend.
"""

import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from ddsp_tf.backend.native_output import quiet
from ddsp_tf.errors import UserError

# The GPU belongs to this process.
_ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
_SIZE_BYTES = 8


class WorkerProcess:
    """A process that starts at once, imports modules, and then calls functions on the CPU.

    If it ends, because the system killed it for example, or if a function fails there by more than
    a `UserError`, the function is called in this process instead. It is stopped at the end of the
    block, and ends by itself if this process is killed.

    Args:
        modules: Names of the modules to import first.
        environment: Environment variables of the process, besides those of this one.

    Example:
        >>> import math
        >>> with WorkerProcess(["math"]) as worker:
        ...     root = worker.begin(math.sqrt, 9.0)
        ...     root()
        3.0
    """

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str] | None = None):
        self._modules, self._environment = tuple(modules), {**_ON_CPU, **(environment or {})}

    def __enter__(self) -> "WorkerProcess":
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from ddsp_tf.backend.worker_process import serve; serve({self._modules!r})"
        )
        # In a session of its own, because Ctrl-C in the terminal is for this process alone.
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self._environment},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        # Closes the pipes, too.
        with contextlib.suppress(OSError), self._process:
            pass

    def begin(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """Begins to call a function; the result of an earlier call must have been fetched.

        Args:
            function: Function of a module.
            *arguments: Its arguments, which can be pickled, as its result can.

        Returns:
            Function that waits for the result and returns it, or raises the function's `UserError`.
        """
        with contextlib.suppress(OSError):
            _send(self._process.stdin, (function, arguments))

        def result() -> Any:
            try:
                kind, value = pickle.loads(_receive(self._process.stdout))
            except (EOFError, OSError):
                kind, value = "failed", None
            if kind == "mistake":
                raise UserError(value)
            return value if kind == "done" else function(*arguments)

        return result


def serve(modules: Sequence[str]) -> None:
    """Works for a `WorkerProcess`, as its process, until that stops it or has ended.

    Args:
        modules: Names of the modules to import first.
    """
    # Interrupts a function, which then removes its unfinished files.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    calls, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a function prints must not get between the replies.
    os.dup2(2, 1)
    with contextlib.suppress(KeyboardInterrupt, EOFError, OSError):
        with contextlib.suppress(Exception), quiet():
            for module in modules:
                importlib.import_module(module)
        while True:
            _send(replies, _answer(_receive(calls)))
    # Without waiting for threads, and without a word about a pipe that is closed.
    os._exit(0)


def _answer(content: bytes) -> tuple[str, Any]:
    try:
        function, arguments = pickle.loads(content)
        found = "done", function(*arguments)
        pickle.dumps(found)
        return found
    except UserError as error:
        # Not every subclass can be pickled.
        return "mistake", str(error)
    except Exception:  # The caller calls the function itself, and meets the same error.
        return "failed", None


def _send(file: IO[bytes] | None, value: object) -> None:
    assert file is not None
    content = pickle.dumps(value)
    file.write(len(content).to_bytes(_SIZE_BYTES, "little"))
    file.write(content)
    file.flush()


def _receive(file: IO[bytes] | None) -> bytes:
    """Returns the next message; raises `EOFError` if the other process has ended."""
    assert file is not None
    size = int.from_bytes(_exactly(file, _SIZE_BYTES), "little")
    return _exactly(file, size)


def _exactly(file: IO[bytes], size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError
    return content
