"""When a run learns its player's expression."""

import threading

import ddsp_tf
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.expression_files import load_expression, save_expression
from ddsp_tf.training import expression


def test_the_network_is_trained_outside_of_a_distribution(monkeypatch):
    threads = {}
    for devices in (1, 2):
        monkeypatch.setattr(expression, "device_count", lambda n=devices: n)
        threads[devices] = expression._on_one_device(threading.get_ident)
    assert threads[1] == threading.get_ident() != threads[2]


def test_trials_learn_no_network_and_longer_runs_do(tmp_path):
    run, learned = RunDirectory(tmp_path), load_expression(ddsp_tf.instrument("demo_violin"))
    assert not expression._is_learned(run, 20)
    save_expression(run.expression, learned.notes)
    assert expression._is_learned(run, 20) and not expression._is_learned(run, 2000)
    save_expression(run.expression, learned)
    assert expression._is_learned(run, 2000)
    run.expression.write_bytes(run.expression.read_bytes()[:1000])
    assert not expression._is_learned(run, 20)
