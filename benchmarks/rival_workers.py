"""Workers that take turns, so that a busy machine slows all of them down equally."""

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
KINDS = ("forward", "gradient")


class Worker:
    """A process that runs one case when asked (`worker.serve`).

    Args:
        python: The interpreter.
        script: File in this folder.
        task: The case's description.

    Raises:
        RuntimeError: From any method, with the process's last words, if it ends.
    """

    def __init__(self, python: str, script: str, task: dict):
        paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [python, str(HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
        )
        self.description = self.ask(task)

    def ask(self, request) -> dict:
        """Sends a request and waits for the answer."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            lines = self._process.communicate()[1].strip().splitlines()
            errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)]
            code = f"exit code {self._process.returncode}"
            raise RuntimeError([code, *lines[-1:], *errors[-1:]][-1])
        return json.loads(answer)

    def close(self):
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def measure(workers: dict, repeats: int, seconds: float) -> dict[str, dict]:
    """Measures one case on several implementations, in turns.

    Args:
        workers: Tuples (python, script, task) by name.
        repeats: Most timed runs of each kind.
        seconds: Time after which no further run of a kind begins; three are made in any case,
            if `repeats` allows.

    Returns:
        By name: "versions", "device", and for "forward" and "gradient" a dictionary with
        "first_ms" (with compilation), "ms" (median), "all_ms" and "mib" (peak memory up to then);
        or "error".
    """
    rivals = {name: _Rival(*arguments) for name, arguments in workers.items()}
    try:
        for rival in rivals.values():
            rival.attempt(rival.start)
        for kind in KINDS:
            for rival in rivals.values():
                rival.attempt(rival.run_first, kind)
            start = time.monotonic()
            for count in range(repeats):
                if count >= 3 and time.monotonic() - start > seconds:
                    break
                for rival in rivals.values():
                    rival.attempt(rival.run, kind)
    finally:
        for rival in rivals.values():
            rival.close()
    return {name: rival.result for name, rival in rivals.items()}


class _Rival:
    """One implementation of a case, and its measurements."""

    def __init__(self, python: str, script: str, task: dict):
        self._arguments, self._worker, self.result = (python, script, task), None, {}

    def attempt(self, action, *arguments):
        """Calls a method below, unless the process has failed; notes if it fails now."""
        if "error" in self.result:
            return
        try:
            action(*arguments)
        except RuntimeError as error:
            self.result["error"] = str(error)
            print(f"{self._arguments[1]}: {error}", file=sys.stderr)

    def start(self):
        self._worker = Worker(*self._arguments)
        self.result.update(self._worker.description)

    def run_first(self, kind: str):
        first_ms = self._worker.ask(kind)["first_ms"]
        self.result[kind] = {"first_ms": first_ms, **self._worker.ask("memory"), "all_ms": []}

    def run(self, kind: str):
        measured = self.result[kind]
        measured["all_ms"].append(self._worker.ask(kind)["ms"])
        measured["ms"] = statistics.median(measured["all_ms"])

    def close(self):
        if self._worker is not None:
            self._worker.close()
