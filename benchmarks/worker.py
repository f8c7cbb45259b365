"""A process that runs one case on request, and reports its time and memory.

Requests and answers are lines of JSON on standard input and output, so that `processors.py` can
let two implementations, each in its own environment, take turns. Needs nothing but NumPy.
"""

import contextlib
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# Calls of a few microseconds are repeated until they last this long, and averaged.
_SHORTEST_MEASUREMENT_S = 0.02
_MIB = 2**20


def serve(prepare: Callable):
    """Answers requests until the input ends.

    The first line describes the case and goes to `prepare`. It is answered with the process's
    description. Further lines are "forward", "gradient" (one timed run each) or "memory".

    Args:
        prepare: Function from the description to a tuple of the versions (a dictionary of
            strings) and a program: an object with `forward()`, `gradient()`, which return when
            the computation is done, and `peak_device_bytes()`, None where memory is the host's.
    """
    requests, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Output of libraries must not mix with the answers.
    task = json.loads(requests.readline())
    versions, program = prepare(task)
    memory = HostMemory()
    _answer(answers, {"versions": versions, "device": program.device})
    for line in requests:
        request = json.loads(line)
        if request == "memory":
            used = program.peak_device_bytes()
            _answer(answers, {"mib": (memory.peak() if used is None else used) / _MIB})
        else:
            first, seconds = _time(getattr(program, request))
            _answer(answers, {"first_ms": 1e3 * first, "ms": 1e3 * seconds})


def limit_memory(limit: int | None):
    """Makes this process fail instead of taking too much memory.

    Args:
        limit: Bytes; None for no limit.
    """
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _answer(answers, value: Mapping):
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _time(run: Callable) -> tuple[float, float]:
    """Seconds of one run, and of one run on average over several if it is short."""
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    count = math.ceil(_SHORTEST_MEASUREMENT_S / first)
    if count == 1:
        return first, first
    start = time.perf_counter()
    for _ in range(count):
        run()
    return first, (time.perf_counter() - start) / count


class HostMemory:
    """The growth of this process's largest resident set from now on."""

    def __init__(self):
        # Linux: resets the peak of the imports.
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self.before = self._status("VmRSS") or self.highest()

    def peak(self) -> int:
        """Returns bytes."""
        return max(self.highest() - self.before, 0)

    def highest(self) -> int:
        """Returns the largest resident set, in bytes."""
        highest = self._status("VmHWM")
        if highest is not None:
            return highest
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    @staticmethod
    def _status(key: str) -> int | None:
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
        except OSError:
            return None
        values = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
        return int(values[0]) * 1024 if values else None
