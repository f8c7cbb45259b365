"""Memory of an evaluation does not grow with the recordings."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "evaluation_memory.py"


def resident_gib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 2**20


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_three_more_minutes_need_no_more_memory(tmp_path):
    command = [sys.executable, str(PROGRAM), "--minutes", "4", "--folder", str(tmp_path / "work")]
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
    assert float(re.search(r"peak ([\d.]+) GiB", output)[1]) < 1.5
