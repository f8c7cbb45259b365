"""`ddsp-tf train` as one of several processes, which JAX connects.

JAX aborts a process that has lost its connection to another. Each command therefore trains in a
child process, and reports its outcome in one sentence.
"""

import atexit
import contextlib
import ctypes
import faulthandler
import functools
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ddsp_tf.errors import Stopped, UserError

_PATIENCE_SECONDS = 300
# After this time without a heartbeat, a process counts as dead.
_HEARTBEAT_SECONDS = 30
_LOST = 75
_CONNECTED = b"\nddsp-tf: connected\n"
_NOT_CONNECTED = (
    "the processes of the training have not found each other; start all of them within five "
    "minutes, with the same --coordinator and --processes"
)
_WORDS_OF_LOSS = ("Gloo", "NCCL", "heartbeat", "oordination service", "closed by peer")
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux.


def process_options(function):
    """Adds --coordinator, --processes and --process."""
    function = click.option(
        "--process", type=click.IntRange(min=0), help="Number of this process, from 0."
    )(function)
    function = click.option(
        "--processes", type=click.IntRange(min=1), help="Processes that train together."
    )(function)
    return click.option(
        "--coordinator",
        metavar="HOST:PORT",
        help="Train in several processes, of this or of several hosts, by JAX: host of process 0, "
        "and a free port there. Slurm, Open MPI and Kubernetes jobs need no options.",
    )(function)


def joined(callback: Callable) -> Callable:
    """Wraps the command `train` so that its processes connect before anything is imported.

    Args:
        callback: Function of the command.

    Returns:
        Function that also takes the options of `process_options`.
    """

    @functools.wraps(callback)
    def join_first(*arguments, coordinator, processes, process, **options) -> Any:
        given = (coordinator, processes, process)
        if processes == 1 or (given == (None, None, None) and not _is_part_of_job(os.environ)):
            return callback(*arguments, **options)
        _check(*given)
        with _in_child_process(options["run_folder"]):
            _connect(*given)
            os.write(2, _CONNECTED)
            return callback(*arguments, **options)

    return join_first


def _is_part_of_job(environment: Mapping[str, str]) -> bool:
    """Tells whether a cluster started this process as one of several in a job."""
    if environment.get("KERAS_BACKEND") != "jax":
        return False
    tasks = [environment.get(name) for name in ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")]
    indexed = {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"} <= set(environment)
    return indexed or any(int(count or 1) > 1 for count in tasks)


def _check(coordinator: str | None, processes: int | None, process: int | None) -> None:
    backend = os.environ.get("KERAS_BACKEND") or "not set"
    if backend != "jax":
        raise UserError(
            f"several processes: KERAS_BACKEND is {backend}; they need KERAS_BACKEND=jax"
        )
    if not hasattr(os, "fork"):  # Windows.
        raise UserError(f"several processes: not possible on {sys.platform}; use Linux or macOS")
    given = (coordinator, processes, process)
    if given == (None, None, None):
        return
    if None in given:
        raise UserError("--coordinator, --processes, --process: expected all three of them")
    host, _, port = (coordinator or "").rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise UserError(f"--coordinator {coordinator}: expected HOST:PORT, such as node1:12345")
    if (process or 0) >= (processes or 0):
        raise UserError(f"--process {process}: expected a number below --processes {processes}")
    if process == 0:
        try:  # JAX would crash.
            socket.create_server(("", int(port))).close()
        except OSError as error:
            raise UserError(
                f"--coordinator {coordinator}: port {port} cannot be used on this host "
                f"({os.strerror(error.errno or 0)}); choose another one for all processes"
            ) from error


def _connect(coordinator: str | None, processes: int | None, process: int | None) -> None:
    try:
        import jax
    except ImportError as error:
        raise UserError("several processes: need JAX; pip install jax") from error
    try:
        # Not `keras.distribution.initialize`, which cannot set the timeout for a lost process.
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            initialization_timeout=_PATIENCE_SECONDS,
            heartbeat_timeout_seconds=_HEARTBEAT_SECONDS,
        )
    except Exception as error:
        raise UserError(f"{_NOT_CONNECTED} ({' '.join(str(error).split())})") from error


@contextlib.contextmanager
def _in_child_process(run: Path) -> Iterator[None]:
    """Runs the block in a child process, and exits with the outcome of the child."""
    with tempfile.TemporaryFile() as native_output:
        sys.stdout.flush()
        child = os.fork()
        if child:
            _leave_as(child, run, native_output)
        _behave_as_child(native_output.fileno())
        try:
            yield
        except Stopped:  # All processes stop together and wait for each other.
            raise
        except BaseException as error:
            if any(word in str(error) for word in _WORDS_OF_LOSS):
                os._exit(_LOST)
            # JAX would wait for the others, which wait for this one.
            code = 130 if isinstance(error, KeyboardInterrupt) else 2
            atexit.register(_leave_at_once, getattr(error, "exit_code", code))
            raise


def _behave_as_child(native_output: int) -> None:
    """Redirects output of native code to a file, and makes the child end with its parent."""
    kept = os.dup(2)
    os.dup2(native_output, 2)
    sys.stderr = open(kept, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    faulthandler.enable(file=2)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def _leave_as(child: int, run: Path, native_output) -> None:
    for name in _FORWARDED:
        signal.signal(getattr(signal, name), lambda number, frame: os.kill(child, number))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    native_output.seek(0)
    printed = native_output.read()
    if code == _LOST or (code == -signal.SIGABRT and b"distributed service" in printed):
        raise UserError(
            f"{run}: another process of this training has ended; the same commands resume from "
            "the last checkpoint"
            if _CONNECTED in printed
            else _NOT_CONNECTED
        )
    if code < 0:
        sys.stderr.write(printed.decode(errors="replace"))
    raise SystemExit(code if code >= 0 else 128 - code)


def _leave_at_once(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
