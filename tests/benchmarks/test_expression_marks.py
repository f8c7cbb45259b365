"""The benchmark of the expression: its distance, and networks trained on half of the phrases."""

import sys
from pathlib import Path

import numpy as np
import pytest
from backends import tensorflow_only

from ddsp_tf.expression.phrases import Phrase

ROOT = Path(__file__).parents[2]


@pytest.fixture
def marks(monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import expression_marks

    return expression_marks


def test_distance_between_samples(marks):
    low, high = np.array([0.0, 1.0]), np.array([2.0, 3.0, np.nan])
    assert marks.distance(low, low) == 0.0
    assert marks.distance(low, high) == 1.0
    assert marks.distance(low, np.array([1.0, 1.0])) == 0.5
    assert marks.distance(low, np.array([np.nan])) == 1.0


@pytest.mark.slow
@tensorflow_only
def test_notes_of_one_half_are_predicted_from_the_other(marks):
    level_db = np.repeat([-80.0, -10.0, -30.0, -80.0], 50)
    features = {"f0_hz": np.full(200, 440.0), "loudness_db": level_db}
    phrase = Phrase.of(features, marks.FRAME_RATE)
    moves = np.concatenate([level for _, level, _ in phrase.moves(marks.FRAME_RATE)])
    error = marks.error_of_halves([phrase, phrase], steps=20)
    assert 0.0 < error < np.sqrt(np.mean(np.square(moves)))
