"""The benchmark of growth: lines through points, and all commands at tiny sizes."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
SIZES = {"minutes": "0.05,0.1", "harmonics": "4,8", "batch": "1,2", "seconds": "0.4,0.8"}
TINY = ("n_bands=9", "MinGruDecoder.stack_channels=8", "MinGruDecoder.rnn_channels=8")


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import growth

    return growth


def test_a_line_is_found_and_a_curve_is_not_taken_for_one(growth):
    assert growth.line([1, 2, 8], [5.0, 7.0, 19.0]) == pytest.approx((2.0, 3.0, 0.0), abs=1e-9)
    assert growth.line([1, 2, 4, 8], [1.0, 4.0, 16.0, 64.0])[2] > 0.1


def test_tables_and_picture_hold_every_point(growth):
    study = growth.Study("prepare", "minutes of audio")
    for size in (1, 2, 4):
        study.add(size, 0.25 * size + 0.5, 600.0)
    text = growth.tables([study])
    assert "| prepare | minutes of audio | 500 ms | 250 ms | 0% | 600 | " in text
    assert "| prepare | minutes of audio | 4 | 1.5 s | 600 |" in text
    assert growth.picture([study, study, study])[1:4] == b"PNG"


@pytest.mark.long
def test_the_program_measures_everything(tmp_path):
    options = [f"--{name}={values}" for name, values in SIZES.items()]
    options += [f"--set={one}" for one in TINY] + ["--fixed-batch=1", "--steps=2"]
    command = [sys.executable, FOLDER / "scaling.py", "--out", tmp_path, "--clock=processor"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "scaling.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ("prepare", "evaluate", "synthesize", "export", "training step")
    assert {row["what"] for row in rows} == set(names)
    assert len(rows) == 2 * 7
    assert all(float(row["seconds"]) > 0 and float(row["mebibytes"]) > 0 for row in rows)
    assert (tmp_path / "scaling.png").read_bytes()[1:4] == b"PNG"
    assert (tmp_path / "scaling.md").read_text().count("training step") == 3 + 6
