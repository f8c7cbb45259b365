"""When a run learns its player's expression."""

import os
import shutil
import signal
import threading
import time

import pytest

import ddsp_tf
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.expression_files import load_expression, save_expression
from ddsp_tf.training import expression


@pytest.fixture
def untaught(tiny_run, tmp_path, monkeypatch):
    """Run whose network is being learned until it is stopped; the threads that learn."""
    run = RunDirectory(shutil.copytree(tiny_run, tmp_path / "run"))
    manifests = [load_manifest(path) for path in RunDirectory(tiny_run).datasets()]
    run.update({"steps": 1000})
    run.expression.unlink()
    threads = []

    def train(*given, is_stopped):
        threads.append(threading.get_ident())
        end = time.monotonic() + 20.0
        while not is_stopped():
            assert time.monotonic() < end
            time.sleep(0.01)
        return False

    monkeypatch.setattr(expression, "learn_player", train)
    return manifests, run, threads


def test_learning_is_stopped_with_the_training(untaught):
    manifests, run, threads = untaught
    learning = expression.expressions_learned([(manifests, run)])
    with pytest.raises(KeyboardInterrupt), learning as callback:
        assert not threads
        callback.on_train_batch_end(0)
        while not threads:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert threads != [threading.get_ident()] and not run.expression.exists()


@pytest.mark.usefixtures("signals_arrive")
def test_learning_is_stopped_while_the_finished_training_waits_for_it(untaught):
    manifests, run, threads = untaught
    learning = expression.expressions_learned([(manifests, run)])
    with pytest.raises(KeyboardInterrupt), learning as callback:
        callback.on_train_batch_end(0)
        while not threads:
            time.sleep(0.01)
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
    assert not run.expression.exists()


def test_what_was_learned_is_kept_if_the_training_is_stopped(untaught, monkeypatch):
    manifests, run, threads = untaught

    def train(*given, is_stopped):
        threads.append(threading.get_ident())
        return True

    monkeypatch.setattr(expression, "learn_player", train)
    learning = expression.expressions_learned([(manifests, run)])
    with pytest.raises(KeyboardInterrupt), learning as callback:
        callback.on_train_batch_end(0)
        while not threads:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert expression._is_learned(run)


@pytest.mark.parametrize("stop", [None, KeyboardInterrupt])
def test_an_error_in_the_thread_is_raised_unless_the_training_was_stopped(
    untaught, monkeypatch, stop
):
    manifests, run, _ = untaught

    def train(*given, is_stopped):
        raise UserError("segments.tfrecord: is cut off")

    monkeypatch.setattr(expression, "learn_player", train)
    learning = expression.expressions_learned([(manifests, run)])
    with pytest.raises(stop or UserError), learning as callback:
        callback.on_train_batch_end(0)
        if stop:
            raise stop
    assert not run.expression.exists()


def test_trials_learn_no_network_and_longer_runs_do(tmp_path, monkeypatch):
    run, learned = RunDirectory(tmp_path), load_expression(ddsp_tf.instrument("demo_violin"))
    trial, longer = ({"steps": 20}, {"steps": 2000})
    monkeypatch.setattr(run, "read", lambda: trial)
    assert not expression._is_learned(run)
    save_expression(run.expression, learned.notes)
    assert expression._is_learned(run)
    monkeypatch.setattr(run, "read", lambda: longer)
    assert not expression._is_learned(run)
    save_expression(run.expression, learned)
    assert expression._is_learned(run)
    run.expression.write_bytes(run.expression.read_bytes()[:1000])
    assert not expression._is_learned(run)
