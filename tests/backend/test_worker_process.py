"""A second process works for a command."""

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from ddsp_tf.backend.worker_process import WorkerProcess
from ddsp_tf.errors import NoRoomError, UserError, check_number


def write_until_stopped(folder):
    """Writes files, and removes one of them when it is interrupted."""
    partial = folder / "partial"
    partial.write_text(str(os.getpid()))
    (folder / "session").write_text(str(os.getsid(0)))
    try:
        time.sleep(60.0)
    finally:
        partial.unlink()


def fill_the_disk():
    raise NoRoomError("a.wav", "disk full")


def end_elsewhere(process):
    if os.getpid() != process:
        os._exit(9)
    return "here"


def wait_for(path):
    deadline = time.monotonic() + 60.0
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_function_is_called_in_another_process_without_a_gpu():
    with WorkerProcess(["math"]) as worker:
        result = worker.begin(os.getenv, "CUDA_VISIBLE_DEVICES")
        assert result() == "-1" != os.getenv("CUDA_VISIBLE_DEVICES")


@pytest.mark.parametrize(
    ("call", "words"),
    [((check_number, "steps", 0, 1), "steps is 0"), ((fill_the_disk,), "a.wav: cannot be written")],
)
def test_a_mistake_of_the_user_arrives(call, words):
    with WorkerProcess([]) as worker, pytest.raises(UserError, match=words):
        worker.begin(*call)()


def test_if_the_process_ends_the_function_is_called_here():
    with WorkerProcess(["no_such_module"]) as worker:
        assert worker.begin(end_elsewhere, os.getpid())() == "here"


def test_an_error_of_ours_is_raised_here():
    with WorkerProcess([]) as worker, pytest.raises(ValueError, match="math domain"):
        worker.begin(math.sqrt, -1.0)()


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="Windows ends processes without a signal")
def test_leaving_the_block_interrupts_the_function_and_ctrl_c_does_not(tmp_path):
    with pytest.raises(KeyboardInterrupt), WorkerProcess([]) as worker:
        worker.begin(write_until_stopped, tmp_path)
        wait_for(tmp_path / "session")
        process = int((tmp_path / "partial").read_text())
        # A terminal sends Ctrl-C to the processes of its session.
        assert int((tmp_path / "session").read_text()) == process != os.getsid(0)
        raise KeyboardInterrupt
    assert not (tmp_path / "partial").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, signal.SIGTERM)


def test_calls_follow_each_other_and_prints_do_not_disturb_them():
    with WorkerProcess([]) as worker:
        assert worker.begin(print, "to standard error")() is None
        assert [worker.begin(math.sqrt, number)() for number in (4.0, 9.0)] == [2.0, 3.0]


SCRIPT = """
import math, sys, time
from ddsp_tf.backend.worker_process import WorkerProcess
print("once", flush=True)
with WorkerProcess([]) as worker:
    print(worker.begin(math.sqrt, 9.0)(), worker._process.pid, flush=True)
    time.sleep(60.0)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_scripts_need_no_guard_and_a_killed_one_leaves_no_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        lines = [process.stdout.readline().split() for _ in range(2)]
        process.kill()
        assert lines[0] == ["once"] and lines[1][0] == "3.0"
    deadline = time.monotonic() + 30.0
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(int(lines[1][1]), 0)
            time.sleep(0.05)
