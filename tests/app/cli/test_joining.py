"""Options for several processes: what is refused, and which jobs are recognized."""

import os
import socket

import pytest
from click.testing import CliRunner

from ddsp_tf.app.cli import joining
from ddsp_tf.app.cli.main import main


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Calls the command with options, on JAX; none of these calls starts a child process."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(os, "fork", None)

    def call(*options):
        arguments = ["train", "--data", str(tmp_path / "d"), "--run", str(tmp_path / "r"), *options]
        result = CliRunner().invoke(main, arguments)
        assert not list(tmp_path.iterdir())
        return result

    return call


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--coordinator", "a:1"], "--processes, --process: expected all three"),
        (["--processes", "2"], "--processes, --process: expected all three"),
        (["--coordinator", "a", "--processes", "2", "--process", "1"], "expected HOST:PORT"),
        (["--coordinator", "a:0", "--processes", "2", "--process", "1"], "expected HOST:PORT"),
        (["--coordinator", "a:x", "--processes", "2", "--process", "1"], "expected HOST:PORT"),
        (["--coordinator", "a:²", "--processes", "2", "--process", "1"], "expected HOST:PORT"),
        (["--coordinator", "a:1", "--processes", "2", "--process", "2"], "below --processes 2"),
        (["--processes", "0"], "--processes"),
    ],
)
def test_wrong_options_are_refused(train, options, message):
    result = train(*options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


def test_only_jax_trains_in_several_processes(train, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    result = train("--coordinator", "a:1", "--processes", "2", "--process", "0")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: several processes: KERAS_BACKEND is tensorflow; they need KERAS_BACKEND=jax\n"
    )


def test_a_port_in_use_is_named(train):
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        result = train("--coordinator", f"a:{port}", "--processes", "2", "--process", "0")
    assert result.exit_code == 2
    assert f"port {port} cannot be used on this host (Address already in use)" in result.stderr


@pytest.mark.parametrize(
    ("environment", "several"),
    [
        ({}, False),
        ({"SLURM_JOB_ID": "5", "SLURM_NTASKS": "4"}, False),  # A batch script without srun.
        ({"SLURM_STEP_NUM_TASKS": "1"}, False),
        ({"SLURM_STEP_NUM_TASKS": "2"}, True),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, False),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}, True),
    ],
)
def test_jobs_of_several_processes_are_recognized(environment, several):
    assert joining._is_part_of_job({**environment, "KERAS_BACKEND": "jax"}) == several
    assert not joining._is_part_of_job(environment)
