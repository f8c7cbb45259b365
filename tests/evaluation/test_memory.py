"""Memory of an evaluation does not grow with the recordings."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def resident_gib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 2**20


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_three_more_minutes_need_no_more_memory(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runpy.run_path(str(BENCHMARKS / "evaluation_memory.py"))["prepare"](tmp_path, 4)
    command = [
        sys.executable,
        str(BENCHMARKS / "measured_command.py"),
        "evaluate",
        tmp_path / "run",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        used = {
            int(found[1]): resident_gib(process)
            for line in process.stderr
            if (found := re.match(r"evaluating: (\d+) of 60", line))
        }
        output = process.stdout.read()
    assert process.returncode == 0, output
    first, last = min(used), max(used)
    assert first <= 15 and last == 60, used
    # The stems of the three minutes alone are 0.15 GiB.
    assert used[last] < used[first] + 0.1
    assert json.loads(output.splitlines()[-1])["mib"] < 1500
