"""The benchmark of processors: what it writes, not what it measures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plain_jax import plain_jax

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parents[2] / "benchmarks"


def run_benchmark(program, *arguments):
    command = [sys.executable, str(FOLDER / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "report.json"
    cases = "harmonic,spectral_loss"
    done = run_benchmark(
        "processors.py", "--quick", "--cases", cases, "--batch", "2", "--out", str(path)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(path.read_text())


def test_the_table_names_cases_columns_and_versions(report):
    printed, _ = report
    for text in ("batch 2, 0.5 s, 16 kHz", "harmonic", "spectral_loss", "of real time", "MiB"):
        assert text in printed
    assert "tensorflow 2." in printed


def test_times_and_memory_of_both_kinds_are_written(report):
    _, written = report
    assert written["backend"] == "tensorflow"
    (entry,) = written["sizes"]
    assert list(entry["cases"]) == ["harmonic", "spectral_loss"]
    for results in entry["cases"].values():
        assert list(results) == ["ours"]
        for kind in ("forward", "gradient"):
            measured = results["ours"][kind]
            assert len(measured["all_ms"]) == 2
            assert min(measured["all_ms"]) <= measured["ms"] <= max(measured["all_ms"])
            assert measured["first_ms"] > 0.0 and measured["mib"] > 0.0


def test_an_unknown_case_is_refused():
    done = run_benchmark("processors.py", "--cases", "harmonics")
    assert done.returncode == 2
    assert "no case 'harmonics'" in done.stderr and "spectral_loss" in done.stderr


def test_an_environment_without_the_original_leaves_its_columns_empty(tmp_path):
    path = tmp_path / "report.md"
    done = run_benchmark(
        "processors.py", "--quick", "--cases", "add", "--original", sys.executable, "--out", path
    )
    assert done.returncode == 0, done.stderr
    assert "No module named 'ddsp'" in done.stderr
    (line,) = [line for line in path.read_text().splitlines() if line.startswith("| add")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert float(cells[1]) > 0.0 and cells[2:4] == ["-", "-"]


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_every_case_of_ours_computes(backend):
    names = subprocess.run(
        [sys.executable, "-c", "from inputs import CASES; print(','.join(CASES))"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    program = f"""
import os, sys
os.environ["KERAS_BACKEND"] = "{backend}"
os.environ.update({plain_jax()})
sys.path.insert(0, {str(FOLDER.parent)!r})
import numpy as np
from inputs import CASES, Size, make_inputs
from ours import build
size = Size(2, 16000, 0.04)
for name in "{names}".split(","):
    function, layers = build(name, size)
    inputs = make_inputs(name, size)
    slope = inputs.pop("slope")
    result = np.asarray(function(**inputs))
    assert result.ndim == 0 or result.shape[0] == slope.shape[0], name
    assert np.isfinite(result).all() and np.any(result), name
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=FOLDER, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "done", done.stderr
