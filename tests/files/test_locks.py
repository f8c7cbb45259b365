"""One process at a time in a folder."""

import os
import signal
import subprocess
import sys

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files.locks import locked

HOLD = """
import sys, time
from ddsp_tf.files.locks import locked
with locked(sys.argv[1], "training"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_process_that_holds_a_folder_is_named(holder, tmp_path):
    with (
        pytest.raises(UserError, match=rf"run: process {holder.pid} \(training\) is working"),
        locked(tmp_path / "run", "export"),
    ):
        pass


def test_a_link_to_a_folder_is_the_same_folder(holder, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with pytest.raises(UserError, match="is working in it"), locked(tmp_path / "link", "export"):
        pass


def test_the_environment_may_name_another_user(holder, tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "another/user")
    with pytest.raises(UserError, match="is working in it"), locked(tmp_path / "run", "export"):
        pass


def test_a_killed_process_stops_nobody_and_nothing_is_left(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locked(tmp_path / "run", "training"), locked(tmp_path / "run", "evaluation"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_other_folders_are_free(holder, tmp_path):
    with locked(tmp_path / "other", "training"):
        pass
