"""An expression is kept beside its model, in runs and exports."""

import shutil

import numpy as np
import pytest

import ddsp_tf
from ddsp_tf.errors import UserError
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.recorded import RecordedNotes
from ddsp_tf.inference.expression_files import load_expression, save_expression


@pytest.fixture
def violin():
    return load_expression(ddsp_tf.instrument("demo_violin"))


def test_what_is_saved_is_loaded(violin, tmp_path):
    save_expression(tmp_path / "expression.npz", violin)
    again = load_expression(tmp_path)
    assert isinstance(again, LearnedExpression)
    for name, array in violin.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
    assert load_expression(tmp_path / "best.keras").count == violin.count


def test_recorded_notes_without_a_network(violin, tmp_path):
    save_expression(tmp_path / "expression.npz", violin.notes)
    again = load_expression(tmp_path)
    assert isinstance(again, RecordedNotes) and again.count == violin.count


def test_a_model_without_expression(tmp_path):
    assert load_expression(tmp_path) is None


def test_runs_learn_it_and_exports_keep_it(tiny_run, tiny_export):
    learned = (tiny_run / "expression.npz").read_bytes()
    assert load_expression(tiny_run).count > 0
    assert (tiny_export / "expression.npz").read_bytes() == learned


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda arrays: {**arrays, "ends": arrays["ends"][::-1]}, "do not divide"),
        (lambda arrays: {**arrays, "cents": np.array(["a"])}, "'cents' has the type"),
        (lambda arrays: {"ends": arrays["ends"]}, "lacks 'frame_rate'"),
        (lambda arrays: {**arrays, "network": arrays["network"][1:]}, "weights of the network"),
    ],
)
def test_damaged_files_are_refused(damage, words, violin, tmp_path):
    np.savez(tmp_path / "expression.npz", **damage(violin.arrays))
    with pytest.raises(UserError, match=words) as caught:
        load_expression(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'expression.npz'}: ")
    assert "resume the run's training, which learns it again" in str(caught.value)


def test_a_cut_file_is_refused(tmp_path):
    shutil.copy(ddsp_tf.instrument("demo_violin") / "expression.npz", tmp_path)
    content = (tmp_path / "expression.npz").read_bytes()
    (tmp_path / "expression.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"expression\.npz: not an expression .*; resume the"):
        load_expression(tmp_path)
