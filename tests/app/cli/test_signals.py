"""Ctrl-C, SIGTERM and SIGHUP in every command: one sentence, no traceback."""

import os
import signal
import subprocess
import sys
import threading

import click
import pytest
from click.testing import CliRunner

from ddsp_tf.app.cli.main import main
from ddsp_tf.app.cli.signals import SENTENCES, StopSignals, leaving_at_once

pytestmark = pytest.mark.usefixtures("signals_arrive")
# Windows has no SIGHUP.
NUMBERS = [number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")]


def stopped(monkeypatch, command, numbers, meanwhile=lambda: None):
    """Runs a command that gets signals while it works, and one more while it cleans up."""

    def work(**_):
        try:
            for number in numbers:
                os.kill(os.getpid(), number)
            pytest.fail("nothing stopped")
        finally:
            os.kill(os.getpid(), numbers[0])
            meanwhile()

    monkeypatch.setattr(main.commands[command], "callback", work)
    monkeypatch.setattr(main.commands[command], "params", [])
    return CliRunner().invoke(main, ["-v", command])


@pytest.mark.parametrize("command", SENTENCES)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_a_command_with_one_sentence(command, number, monkeypatch):
    earlier = signal.getsignal(number)
    result = stopped(monkeypatch, command, [number])
    assert result.exit_code == 128 + number
    assert result.stderr.strip() == SENTENCES[command]
    assert signal.getsignal(number) == earlier


def test_five_signals_interrupt_the_cleaning_up_as_little_as_one(monkeypatch):
    cleaned = []
    result = stopped(monkeypatch, "prepare", [signal.SIGINT] * 5, lambda: cleaned.append(1))
    assert cleaned == [1] and result.exit_code == 130
    assert result.stderr.strip() == SENTENCES["prepare"]


def test_what_a_training_says_itself_is_said_instead(monkeypatch):
    class Said(KeyboardInterrupt):
        exit_code = 143

    def work(**_):
        raise Said("run: stopped at step 3; a checkpoint is saved; the same command resumes it")

    monkeypatch.setattr(main.commands["train"], "callback", work)
    monkeypatch.setattr(main.commands["train"], "params", [])
    result = CliRunner().invoke(main, ["-v", "train"])
    assert (result.exit_code, "stopped at step 3" in result.stderr) == (143, True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_a_signal_that_the_process_ignores_stays_ignored():
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received is None
    finally:
        signal.signal(signal.SIGHUP, earlier)


def test_other_threads_leave_signals_alone():
    seen = []

    def work():
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_every_command_has_its_sentence():
    assert set(SENTENCES) == set(main.commands) - {"info", "instruments"}
    assert isinstance(main, click.Group)


INTERRUPTED_WHILE_IMPORTING = """
import signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
from ddsp_tf.app.command import main
main()
"""


def test_ctrl_c_counts_before_anything_is_imported():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (130, "\nstopped before anything was done\n")


SIGNALLED_WHILE_IMPORTING = """
import os, signal, sys
from ddsp_tf.app.cli.startup import started

class Signals:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            os.kill(os.getpid(), signal.{signal})
            # A handler that raises would be ignored here, as some packages do.
            try:
                while True:
                    pass
            except KeyboardInterrupt:
                print("the handler raised")

sys.meta_path.insert(0, Signals())
from ddsp_tf.app.cli.signals import StopSignals
with StopSignals():
    started(lambda: print("the command ran"), lambda: {verbose})()
"""


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("verbose", [False, True])
def test_a_signal_while_packages_are_imported_ends_the_process(number, verbose):
    code = SIGNALLED_WHILE_IMPORTING.format(signal=number.name, verbose=verbose)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert done.stderr.splitlines()[-1] == "stopped before anything was done"


def test_signals_are_handled_as_before_after_the_imports():
    with StopSignals():
        before = [signal.getsignal(number) for number in NUMBERS]
        with leaving_at_once():
            assert [signal.getsignal(number) for number in NUMBERS] != before
        assert [signal.getsignal(number) for number in NUMBERS] == before


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 5])
def test_a_process_that_is_interrupted_shows_no_traceback(count, tmp_path, melodies):
    command = [sys.executable, "-m", "ddsp_tf.app.cli", "prepare", str(melodies), "--out", "d"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        process.stderr.readline()
        for _ in range(count):
            process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130 and "Traceback" not in said
    assert said.splitlines()[-1] == SENTENCES["prepare"]
