"""The player's expression in exports."""

import numpy as np
import pytest
from played_notes import PHRASE, RATE, random_network

from ddsp_tf.errors import UserError
from ddsp_tf.export import expression_litert
from ddsp_tf.export.litert_operators import check_builtin
from ddsp_tf.export.verification import open_interpreter
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.note_curves import CURVES, note_curves
from ddsp_tf.features.transcription import Note
from ddsp_tf.inference.expression_files import save_expression


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An expression with a random network, and the folder that it was written to."""
    folder = tmp_path_factory.mktemp("expression")
    learned = LearnedExpression.of(random_network(), [PHRASE], RATE)
    save_expression(folder / "own.npz", learned)
    return learned, folder, expression_litert.write_expression(folder / "own.npz", folder)


def test_the_file_predicts_what_the_network_predicts(written):
    learned, folder, result = written
    assert result["largest_difference"] < 1e-2
    check_builtin((folder / "expression.tflite").read_bytes(), "expression.tflite")
    express = open_interpreter(folder / "expression.tflite").get_signature_runner("express")
    curves = note_curves([Note(0.05, 0.3, 61.0, -12.0), Note(0.3, 0.5, 60.0, -9.0)], 100, 60)
    expected = np.asarray(learned.network(curves[None])[0])[0]
    state = np.zeros((1, 64), np.float32)
    for frame, moves in zip(curves, expected, strict=True):
        named = {name: frame[k : k + 1, None] for k, name in enumerate(CURVES)}
        outputs = express(**named, state_expression=state)
        state = outputs["state_expression"]
        assert outputs["relative_db"][0, 0] == pytest.approx(moves[0], abs=1e-2)
        assert outputs["cents"][0, 0] == pytest.approx(moves[1], abs=1e-2)
    assert np.ptp(expected) > 1.0


def test_a_file_that_differs_is_refused(written, monkeypatch):
    _, folder, _ = written
    monkeypatch.setattr(
        expression_litert, "agreement", lambda *_: {"largest_difference": 1.0, "snr_db": 0.0}
    )
    with pytest.raises(UserError, match=r"expression\.tflite: the exported network differs"):
        expression_litert.write_expression(folder / "own.npz", folder)


def test_without_a_network_there_is_no_file(written, tmp_path):
    save_expression(tmp_path / "own.npz", written[0].notes)
    assert expression_litert.write_expression(tmp_path / "own.npz", tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expression.npz", "own.npz"]
