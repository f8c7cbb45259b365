"""Environments in which a command cannot work, and errors that are not ours: one line each."""

import errno
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ddsp_tf.app.cli.main import main


def call(*arguments):
    return CliRunner().invoke(main, ["-v", *map(str, arguments)])


def error_of(*arguments):
    result = call(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    return lines[0]


EXPORT = ("export", "nowhere", "--out", "x")


@pytest.mark.parametrize("name", ["torch", "openvino", "tensorflwo"])
def test_a_backend_that_is_none_of_ours(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    assert f"KERAS_BACKEND is '{name}'; expected one of tensorflow, jax" in error_of(*EXPORT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"floatx": "float64"}', "floatx is 'float64'"),
        ('{"floatx": "double"}', "floatx is 'double'"),
        ('{"backend": "theano"}', "backend is 'theano'"),
        ("{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_keras_json_that_does_not_fit(content, words, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "keras.json").write_bytes(content)
    message = error_of(*EXPORT)
    assert "keras.json" in message and words in message


def test_a_keras_json_as_keras_writes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    settings = {"floatx": "float32", "backend": "tensorflow", "image_data_format": "channels_last"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    assert "not a run" in error_of(*EXPORT)


def test_a_home_that_is_not_the_users_own_is_not_read(tmp_path, monkeypatch):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text("{")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    if sys.platform != "win32":
        assert "cannot be read" in error_of(*EXPORT)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "not a run" in error_of(*EXPORT)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("44.7 GiB"), "out of memory"),
        (type("ResourceExhaustedError", (Exception,), {})("OOM"), "out of memory"),
        (RuntimeError("RESOURCE_EXHAUSTED: Failed to allocate"), "out of memory"),
        (ModuleNotFoundError("No module", name="tensorboard"), "'tensorboard' is missing"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device; make room"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), "a/b: Permission denied"),
        (PermissionError(errno.EACCES, "Permission denied", b"\xff"), r"\xff: Permission denied"),
    ],
)
def test_what_the_system_and_tensorflow_raise(error, words, monkeypatch):
    def work(**_):
        raise error

    monkeypatch.setattr(main.commands["info"], "callback", work)
    assert words in error_of("info", "x")


def test_a_reader_that_closes_is_no_error_of_the_users(monkeypatch):
    def work(**_):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(main.commands["info"], "callback", work)
    result = call("info", "x")
    assert result.exit_code == 1 and "error" not in result.stderr


def test_a_deleted_working_folder(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    before = os.getcwd()
    os.chdir(tmp_path / "gone")
    try:
        (tmp_path / "gone").rmdir()
        message = error_of("info", "x")
    finally:
        os.chdir(before)
    assert "the working folder no longer exists" in message


@pytest.mark.parametrize("seed", ["-1", "99999999999", "1.5"])
@pytest.mark.parametrize(
    "command",
    [
        ("train", "--data", "d", "--run", "r"),
        ("prepare", "a", "--out", "d"),
        ("synthesize", "m", "f", "o.wav"),
        ("run", "a", "--out", "o"),
    ],
)
def test_a_seed_out_of_range(command, seed):
    message = error_of(*command, "--seed", seed)
    assert "--seed" in message and seed in message


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "r", "--clip-seconds"),
        ("prepare", "a", "--out", "d", "--silence-db"),
        ("prepare", "a", "--out", "d", "--validation-share"),
        ("train", "--data", "d", "--run", "r", "--weight"),
        ("synthesize", "m", "f", "o.wav", "--transfer", "--louder-db"),
        ("synthesize", "m", "f", "o.wav", "--transfer", "--gate-db"),
    ],
)
def test_a_number_that_is_none(command, value):
    message = error_of(*command, value)
    assert command[-1] in message and value in message


def test_a_module_of_the_users_is_imported_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_own_module.py").write_text("raise ValueError('imported')\n")
    message = error_of(*EXPORT, "--import", "my_own_module")
    assert "--import my_own_module: cannot be imported (imported)" in message
    (tmp_path / "my_own_module.py").write_text("VALUE = 3\n")
    assert "not a run" in error_of(*EXPORT, "--import", "my_own_module")
    assert sys.modules["my_own_module"].VALUE == 3
    assert "cannot be imported" in error_of(*EXPORT, "--import", "there_is_none")


@pytest.mark.slow
@pytest.mark.parametrize("number", [6, 11])
def test_a_crash_in_native_code_is_shown(number):
    code = (
        "import os, sys\n"
        "from ddsp_tf.app.cli import main\n"
        "def crash(**_):\n"
        "    os.write(2, b'native words')\n"
        f"    os.kill(os.getpid(), {number})\n"
        "main.commands['export'].callback = crash\n"
        "sys.argv = ['ddsp-tf', 'export', 'x', '--out', 'y']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -number
    assert "native words" in done.stderr and "Fatal Python error" in done.stderr
