"""The programs that train instruments, with a handful of steps."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from backends import tensorflow_only
from click.testing import CliRunner

from ddsp_tf.files.run_directory import RunDirectory

pytestmark = [tensorflow_only, pytest.mark.long]

PROGRAMS = Path(__file__).parents[2] / "benchmarks" / "instruments"


@pytest.fixture
def call(monkeypatch, tiny_overrides):
    """Runs one of the programs with tiny models."""
    monkeypatch.syspath_prepend(str(PROGRAMS))
    settings = [
        *tiny_overrides,
        "train.steps=2",
        "train.validate_every=2",
        "train.clip_seconds=0.3",
    ]

    def run(name, *arguments):
        changes = [part for setting in settings for part in ("--set", setting)]
        arguments = [*map(str, arguments), "--config", "demo", *changes]
        return CliRunner().invoke(__import__(name).main, arguments)

    return run


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two sets of two seconds to train on and one to hold out."""
    folder = tmp_path_factory.mktemp("sets")
    for number, name in enumerate(("horn", "reed")):
        for part, seconds in (("train", 2), ("val", 1)):
            (folder / name / part).mkdir(parents=True)
            time = np.arange(seconds * 16000) / 16000
            f0_hz = 220 + 110 * number + 10 * seconds
            tones = (np.sin(2 * np.pi * f0_hz * k * time) / k for k in range(1, 7))
            sound = 0.2 * np.abs(np.sin(np.pi * time)) * sum(tones)
            soundfile.write(folder / name / part / f"{name}.flac", sound, 16000)
    return folder


def test_every_instrument_alone(call, recordings, tmp_path):
    out = tmp_path / "out"
    done = call("alone", recordings, "--out", out, "--steps", "2")
    assert done.exit_code == 0, done.output
    rows = (out / "demo_0.md").read_text().splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| horn", "| reed", "| mean"]
    wrong = call("alone", recordings, "--out", out, "--only", "kazoo")
    assert wrong.exit_code == 1 and "no set kazoo; found horn, reed" in wrong.output


def test_rooms(call, recordings, tmp_path):
    out = tmp_path / "out"
    variants = ("--variant", "auto", "--only", "horn")
    done = call("rooms", recordings, "--out", out, "--steps", "2", *variants)
    assert done.exit_code == 0, done.output
    rows = [row.split(" | ")[0] for row in (out / "demo.md").read_text().splitlines()[2:]]
    assert rows == ["| horn, dry: auto", "| horn, roomy: auto", "| mean"]
    again = call("rooms", recordings, "--out", out, "--steps", "2", *variants, "--place", "roomy")
    assert again.exit_code == 0, again.output
    rows = [row.split(" | ")[0] for row in (out / "demo.md").read_text().splitlines()[2:]]
    assert rows == ["| horn, roomy: auto", "| mean"]
    dry, wet = (
        soundfile.read(folder / "train" / "horn.flac")[0]
        for folder in (recordings / "horn", out / "recordings" / "horn")
    )
    tail = slice(int(0.99 * 16000), int(1.01 * 16000))
    assert np.abs(wet[tail]).max() > 3.0 * np.abs(dry[tail]).max()


def test_leave_one_out(call, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(__import__("leave_one_out"), "SECONDS", (1.0, 0.5))
    monkeypatch.setattr(
        __import__("leave_one_out"), "COLUMNS", ("scratch_all", "scratch_1s", "adapted_1s", "none")
    )
    out = tmp_path / "out"
    for phase in ("base", "scratch", "adapt", "table"):
        done = call("leave_one_out", recordings, "--out", out, "--only", "reed", "--phase", phase)
        assert done.exit_code == 0, done.output
    base = RunDirectory(out / "base_without_reed").read()
    assert base["recordings"] == "horn" and base["step"] == 2
    adapted = RunDirectory(out / "adapted_1s" / "reed" / "run")
    assert adapted.read()["ancestor"]["source"] == str(out / "base_without_reed")
    row = (out / "leave_one_out.md").read_text().splitlines()[2].split(" | ")
    assert row[0] == "| reed" and row[6] == "-"
    assert all(float(row[place]) > 0.0 for place in (1, 2, 3))
    done = CliRunner().invoke(__import__("beyond_range").main, [str(adapted.path)])
    assert done.exit_code == 0, done.output
    rows = [row.split(" | ")[:2] for row in done.output.splitlines() if row.startswith("| reed")]
    assert rows == [["| reed", "learned"], ["| reed", "an octave beyond"]]
