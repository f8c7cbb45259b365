"""The library on Colab's versions: nothing is replaced, and it works there."""

import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from backends import tensorflow_only

PROGRAM = Path(__file__).parents[2] / "colab" / "check_versions.py"
# Signal path, network, and a whole notebook, which loads a model that a later Keras has saved.
TESTS = (
    "tests/dsp/test_oscillators.py",
    "tests/processors/test_harmonic.py",
    "tests/models/test_gru.py",
    "tests/colab/test_timbre_transfer.py",
)


@pytest.fixture(scope="module")
def program():
    return runpy.run_path(str(PROGRAM))


def test_what_changed_is_seen(program):
    before = {"numpy": "2.1.3", "keras": "3.13.2", "tqdm": "4.67.3"}
    after = {"numpy": "2.4.6", "keras": "3.13.2", "soxr": "1.0.0"}
    assert program["changes"](before, after) == {
        "numpy": "2.1.3 -> 2.4.6",
        "tqdm": "4.67.3 -> gone",
    }
    assert program["changes"](before, {**before, "soxr": "1.0.0"}) == {}


def test_a_version_that_is_not_there_gives_the_running_python(program):
    assert program["find_python"]("3.99") == sys.executable


def test_a_full_disk_is_said_before_anything_is_installed(program, monkeypatch, capsys):
    usage = type("Usage", (), {"free": 3_100_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    monkeypatch.setattr(sys, "argv", [str(PROGRAM)])
    monkeypatch.setattr("subprocess.run", None)
    assert program["main"]() == 2
    error = capsys.readouterr().err
    assert error == f"{tempfile.gettempdir()} has 3.1 GB free; the packages need 3.6 GB.\n"


@pytest.mark.parametrize("runtime", ["current", "2026.04"])
def test_runtimes_are_pinned(program, runtime):
    assert runtime in program["RUNTIMES"]
    lines = (PROGRAM.parent / "runtimes" / f"{runtime}.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 30 and all(line.count("==") == 1 for line in pins)


@pytest.mark.long
@tensorflow_only
def test_todays_runtime_keeps_its_versions_and_runs_the_library(program, capsys):
    if missing := program["missing_space"](tempfile.gettempdir()):
        pytest.skip(missing)
    result = subprocess.run([sys.executable, PROGRAM, *TESTS], capture_output=True, text=True)
    with capsys.disabled():
        print(f"\n{result.stdout.strip()}")
    assert result.returncode == 0, result.stderr
    assert "; 0 of them were replaced." in result.stdout
    assert "site-packages/ddsp_tf" in result.stdout
    assert " passed" in result.stdout and " failed" not in result.stdout
