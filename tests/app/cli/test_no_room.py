"""Files that the operating system does not let grow, as on a full disk."""

import resource

import numpy as np
import pytest
from backends import tensorflow_only
from click.testing import CliRunner

from ddsp_tf.app.cli import main
from ddsp_tf.inference.feature_files import save_features

pytestmark = tensorflow_only


def call(room, *arguments):
    """Runs a command that can write `room` bytes into any one file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        return CliRunner().invoke(main, ["-v", *map(str, arguments)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def everything_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def assert_refused(result, name):
    """One line that names what could not be written, with the system's reason."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("preparing")]
    assert result.exit_code == 2, (result.stderr, result.exception)
    assert lines[-1].startswith("error: ") and name in lines[-1], result.stderr
    assert "cannot be written" in lines[-1]


def test_prepare(melodies, place):
    assert_refused(call(20_000, "prepare", melodies, "--out", place / "dataset"), "dataset")
    assert everything_below(place) == []


def test_features(melodies, place):
    recording = sorted(melodies.iterdir())[0]
    result = call(500, "features", recording, place / "f.npz", "--config", "demo")
    assert_refused(result, "f.npz")
    assert everything_below(place) == []


def test_synthesize(tiny_run, place):
    curves = {"f0_hz": np.full(300, 440.0), "loudness_db": np.full(300, -20.0)}
    save_features(place / "f.npz", curves, 100)
    result = call(20_000, "synthesize", tiny_run, place / "f.npz", place / "o.wav")
    assert_refused(result, "o.wav")
    assert everything_below(place) == ["f.npz"]


def test_export(tiny_run, place):
    assert_refused(call(10_000, "export", tiny_run, "--out", place / "export"), "export")
    assert everything_below(place) == []


def test_train(tiny_dataset, tiny_overrides, place):
    settings = [part for override in tiny_overrides for part in ("--set", override)]
    arguments = ("--config", "demo", "--data", tiny_dataset, "--run", place / "run", *settings)
    result = call(20_000, "train", *arguments)
    assert_refused(result, "run")
    assert not [name for name in everything_below(place) if ".partial" in name]
