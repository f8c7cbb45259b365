"""Two judges hear bundled instruments play the notes that were written."""

import sys
from pathlib import Path

import numpy as np
import pytest
from backends import tensorflow_only

import ddsp_tf
from ddsp_tf.expression.parts import Part

ROOT = Path(__file__).parents[2]


@pytest.fixture
def programs(monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    for folder in ("benchmarks", "docs/examples"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    import note_judges
    import song

    return note_judges, song


def test_f_counts_what_is_missing_and_what_is_too_much(programs):
    judges, _ = programs
    wanted = judges.notes_from([(0.0, 0.5, 440.0), (0.5, 1.0, 494.0)])
    late = judges.notes_from([(0.04, 0.5, 440.0), (0.56, 1.0, 494.0), (1.0, 1.5, 440.0)])
    assert judges.f_measure([wanted], [wanted]) == 1.0
    heard = [late, judges.notes_from([])]
    assert judges.f_measure([wanted, wanted], heard) == 2.0 / 7.0
    assert judges.recall([wanted, wanted], heard) == 1.0 / 4.0


@pytest.mark.slow
@tensorflow_only
@pytest.mark.parametrize(
    ("judge", "measure", "least"), [("ours", "f_measure", 0.95), ("basic-pitch", "recall", 0.8)]
)
def test_notes_are_heard_as_they_were_written(programs, judge, measure, least):
    """basic-pitch takes some harmonics for notes of their own, and soft attacks for later ones."""
    judges, song = programs
    if judge not in judges.judges():
        pytest.skip("basic-pitch is not installed; `make slow` installs it")
    wanted, heard = [], []
    for name in ("violin", "cello"):
        folder = ddsp_tf.instrument(name)
        player, _ = ddsp_tf.load_player(folder)
        part = Part("", tuple(song.notes_of(name, bars=4)))
        ranges, expression = ddsp_tf.load_ranges(folder), ddsp_tf.load_expression(folder)
        curves = ddsp_tf.song_curves(part, player, ranges, expression=expression)
        audio = np.concatenate(list(ddsp_tf.synthesize(player, curves)))
        wanted.append(judges.notes_of(part.notes))
        heard.append(judges.judges()[judge](audio, player.sample_rate))
    assert getattr(judges, measure)(wanted, heard) >= least
