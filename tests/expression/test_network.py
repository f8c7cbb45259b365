"""The network that predicts how notes are shaped, and what it is given."""

import numpy as np
from backends import to_numpy
from layer_harness import run_layer_test
from played_notes import random_network

from ddsp_tf.expression.network import NoteNetwork
from ddsp_tf.expression.note_curves import CURVES, note_curves
from ddsp_tf.features.transcription import Note

NOTES = (Note(0.1, 0.5, 60.0, -20.0), Note(0.5, 0.8, 64.0, -14.0), Note(1.3, 1.5, 57.0, -30.0))


def test_keras_surface():
    curves = note_curves(NOTES, 100, 30)[None]
    run_layer_test(NoteNetwork, (curves, np.zeros((1, 64), np.float32)), weights=31)


def test_blocks_join():
    network, curves = random_network(), note_curves(NOTES, 100, 160)[None]
    whole, last = network(curves)
    first, state = network(curves[:, :77])
    second, state = network(curves[:, 77:], state)
    joined = np.concatenate([to_numpy(first), to_numpy(second)], axis=1)
    np.testing.assert_allclose(joined, to_numpy(whole), atol=1e-3)
    np.testing.assert_allclose(to_numpy(state), to_numpy(last), atol=1e-4)


def test_notes_unlike_all_recorded_ones_are_played_as_the_nearest():
    network = random_network()

    def moves(midi, level_db):
        return to_numpy(network(note_curves([Note(0.0, 0.5, midi, level_db)], 100, 50)[None])[0])

    np.testing.assert_array_equal(moves(100.0, 20.0), moves(70.0, 0.0))
    assert np.abs(moves(60.0, -10.0) - moves(70.0, 0.0)).max() > 0.1


def test_note_curves():
    curves = dict(zip(CURVES, note_curves(NOTES, 100, 160).T, strict=True))
    np.testing.assert_array_equal(
        curves["sounding"].nonzero()[0], [*range(10, 80), *range(130, 150)]
    )
    second = {name: float(curve[60]) for name, curve in curves.items()}
    expected = [1.0, 64.0, -14.0, 0.1, 0.19, 0.0, -4.0, -6.0, 0.5, -7.0, -16.0]
    np.testing.assert_allclose([second[name] for name in CURVES], expected, rtol=1e-6)
    assert curves["gap_before_s"][10] == curves["gap_after_s"][149] == 10.0
    assert note_curves([], 100, 3).tolist() == [[0.0] * len(CURVES)] * 3
