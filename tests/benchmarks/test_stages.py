"""The benchmark of stages reads from a run's files when each stage ends."""

import shutil
import sys
import time
from pathlib import Path

import click
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# Writes what `ddsp-tf run` does; the stages last 0.2, 0.4, 0.2, 0.6 and 0.2 s.
PROGRAM = """#!{python}
import pathlib, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
for seconds, name, text in (
    (0.2, "dataset/dataset.json", "{{}}"),
    (0.0, "run/run.json", "{{}}"),
    (0.0, "run/logs/metrics.csv", "step,loss\\n0,\\n"),
    (0.4, "run/logs/metrics.csv", "step,loss\\n0,\\n50,9.5\\n"),
    (0.2, "run/run.json", '{{"seconds": 1}}'),
    (0.6, "run/evaluation.json", "{{}}"),
    (0.2, "export/model.json", "{{}}"),
):
    time.sleep(seconds)
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text(text)
    if "stop" in sys.argv and name == "run/evaluation.json":
        sys.exit("no space left")
"""


@pytest.fixture
def stages(monkeypatch):
    """The module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import stages

    return stages


@pytest.fixture
def program(tmp_path):
    """A program in place of `ddsp-tf`."""
    path = tmp_path / "ddsp-tf"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_stages_end_with_what_they_write(stages, program, tmp_path):
    *seconds, whole = stages.measure([program], ["--", "sax"], tmp_path / "out")
    assert sum(seconds) == pytest.approx(whole)
    # A busy machine makes any of them longer.
    assert all(s > t for s, t in zip(seconds[1:], (0.25, 0.05, 0.45, 0.05, 0.0), strict=True))
    lines = stages.table({"before": [2.0] * 7, "after": [1.0] * 7}).splitlines()
    assert lines[2] == "| recordings to dataset | 2.0 s | 1.0 s | 0.50 |" and len(lines) == 9


@pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset is not installed")
def test_versions_share_the_machine(stages, program):
    programs = {"before": [program], "after": [program]}
    started = time.monotonic()
    versions = stages.measure_each(programs, ["--", "sax"], ["0", "1"])
    assert time.monotonic() - started < sum(seconds[-1] for seconds in versions.values())


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_failure_shows_the_output(stages, program, tmp_path):
    with pytest.raises(click.ClickException, match="no space left"):
        stages.measure([program], ["stop"], tmp_path / "out")
