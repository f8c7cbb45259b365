"""Training of the network that shapes notes."""

import random
import shutil

import numpy as np
import pytest
from backends import to_numpy

from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.expression.phrases import Phrase
from ddsp_tf.features.transcription import Note
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.expression_files import load_expression
from ddsp_tf.training import expression, note_network
from ddsp_tf.training.note_network import learn_player, new_note_network, train_note_network

RATE = 50


def phrase(seed):
    """A player whose notes begin 40 cents flat and fall by 12 dB a second."""
    generator = np.random.default_rng(seed)
    notes, midi, level_db, now = [], np.full(1000, 60.0), np.full(1000, -80.0), 20
    while now < 900:
        frames = int(generator.integers(15, 60))
        key, level = float(generator.integers(50, 70)), float(generator.uniform(-30.0, -10.0))
        own, since = slice(now, now + frames), np.arange(frames) / RATE
        midi[own] = key - 0.4 * np.exp(-since / 0.1)
        level_db[own] = level - 12.0 * since
        notes.append(Note(now / RATE, (now + frames) / RATE, key, level))
        now += frames + 10
    return Phrase(notes, midi, level_db, np.ones(1000, bool))


@pytest.mark.slow
def test_what_all_notes_have_in_common_is_learned():
    network = new_note_network(seed=0)
    assert train_note_network(network, [phrase(k) for k in range(4)], RATE, steps=120)
    unseen = phrase(9)
    predicted = to_numpy(network(note_curves(unseen.notes, RATE, 1000)[None])[0])[0]
    measured = [(own, np.stack([db, cents], axis=1)) for own, db, cents in unseen.moves(RATE)]
    moves = np.concatenate([moves for _, moves in measured])
    errors = moves - np.concatenate([predicted[own] for own, _ in measured])
    rms = np.sqrt(np.mean(np.square(errors), axis=0))
    assert (rms < 0.5 * np.sqrt(np.mean(np.square(moves), axis=0))).all()


def test_players_of_few_notes_are_learned_from_what_players_share(monkeypatch):
    """At once, attacks rise and releases fall; a player of many notes begins with neither."""
    steps = []

    def train(network, phrases, frame_rate, count, seed, is_stopped):
        steps.append(count)
        return True

    monkeypatch.setattr(note_network, "train_note_network", train)
    few, many = new_note_network(seed=0), new_note_network(seed=0)
    player = phrase(0)
    assert 10 < len(player.notes) < 25
    assert learn_player(few, [player], RATE) and learn_player(many, [player] * 4, RATE)
    assert steps == [max(75, 3 * len(player.notes)), 300]
    note = [Note(0.2, 1.2, 60.0, -15.0)]
    shared, random = (
        to_numpy(one(note_curves(note, RATE, 80)[None])[0])[0, 10:60, 0] for one in (few, many)
    )
    assert shared[0] < shared[25] - 6.0 and shared[-1] < shared[25] - 6.0
    np.testing.assert_array_equal(random, 0.0)


@pytest.mark.slow
def test_a_seed_decides_and_nothing_else_is_touched():
    random.seed(5)
    before = random.getstate()
    one, again, other = (new_note_network(seed) for seed in (3, 3, 4))
    for network, seed in ((one, 3), (again, 3), (other, 4)):
        train_note_network(network, [phrase(0)], RATE, 2, seed)
    assert random.getstate() == before
    for a, b in zip(one.weights, again.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(a), to_numpy(b))
    assert not np.array_equal(to_numpy(one.weights[1]), to_numpy(other.weights[1]))


@pytest.mark.parametrize(("steps", "kind"), [(100, LearnedExpression), (99, None)])
def test_runs_that_are_no_trials_learn_a_network(steps, kind, tiny_run, tmp_path, monkeypatch):
    monkeypatch.setattr(note_network, "_LEAST_STEPS", 2)
    monkeypatch.setattr(note_network, "_STEPS_PER_NOTE", 0)
    run = RunDirectory(shutil.copytree(tiny_run, tmp_path / "run"))
    manifests = [load_manifest(path) for path in RunDirectory(tiny_run).datasets()]
    run.update({"steps": steps})
    run.expression.unlink()
    with expression.expressions_learned([(manifests, run)]):
        assert not run.expression.exists()
    learned = load_expression(run.path)
    assert isinstance(learned, LearnedExpression) == (kind is not None)
    assert learned.count == load_expression(tiny_run).count
