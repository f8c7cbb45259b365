"""Options that commands share."""

import os

import pytest
from click.testing import CliRunner

from ddsp_tf.app.cli.main import main
from ddsp_tf.training.quick_start import start_quickly

TRAIN = ["train", "--data", "nowhere", "--run", "run"]
RUN = ["run", "nowhere", "--out", "out"]


@pytest.mark.parametrize("command", [TRAIN, RUN])
def test_a_quick_start_tells_xla_and_keeps_what_it_was_told(command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=dump --xla_gpu_autotune_level=2")
    done = CliRunner().invoke(main, [*command, "--quick-start"])
    assert done.exit_code == 2, done.output
    told = {"XLA_FLAGS": "--xla_dump_to=dump --xla_gpu_autotune_level=2"}
    start_quickly(told)
    assert os.environ["XLA_FLAGS"] == told["XLA_FLAGS"]


def test_without_it_xla_is_told_nothing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert CliRunner().invoke(main, TRAIN).exit_code == 2
    assert "XLA_FLAGS" not in os.environ
