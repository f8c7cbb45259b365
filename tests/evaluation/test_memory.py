"""Memory of an evaluation does not grow with the recordings."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "evaluation_memory.py"


def peak_gib(folder, minutes):
    command = [sys.executable, str(PROGRAM), "--minutes", str(minutes), "--folder", str(folder)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"peak ([\d.]+) GiB", output)[1])


@pytest.mark.slow
def test_three_more_minutes_need_no_more_memory(tmp_path):
    short, long = peak_gib(tmp_path / "short", 1), peak_gib(tmp_path / "long", 4)
    # The stems of the three minutes alone are 0.15 GiB.
    assert long < short + 0.1
    assert long < 1.5
