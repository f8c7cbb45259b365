"""The expression of a player: what similar notes share, and what is particular to one note."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from keras import ops

from ddsp_tf.expression.network import NoteNetwork, set_weights, weights_of
from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.expression.performance import Expression, Plain, Shapes, note_frames
from ddsp_tf.expression.phrases import Phrase, cents_limit, note_facts
from ddsp_tf.expression.recorded import NAMES as NOTE_NAMES
from ddsp_tf.expression.recorded import RecordedNotes, stretched
from ddsp_tf.features.transcription import Note

NAMES = (*NOTE_NAMES, "network")
# Share that is played of what is particular to a recorded note. Pitch: all, including vibrato, but
# less near the ends. Loudness: the larger its root mean square over all notes, the less, so that
# curves stay within about 4 dB of a player's; more in the attack, and half of the trend, by which
# notes swell or fade, of what is left out.
_DEVIATIONS_DB, _DB_SHARES = (1.4, 3.25), (1.0, 0.1)
_MORE_OF_ATTACK, _TREND_SHARE, _EDGE_CENTS_SHARE = 0.4, 0.5, 0.5
_ATTACK_SECONDS, _EDGE_SECONDS = 0.2, 0.1
# Bounds the memory for long songs.
_BLOCK_FRAMES = 2000


class LearnedExpression(Expression):
    """Shapes notes as a network predicts, with the vibrato and swells of recorded notes.

    The network predicts the usual course of loudness and pitch. `RecordedNotes` holds how each
    recorded note differs from that; the difference of the best-fitting note is added.

    Args:
        arrays: Arrays of `RecordedNotes`, and "network", the weights of a `NoteNetwork`.

    Raises:
        UserError: If the arrays do not fit together.

    Example:
        >>> import ddsp_tf
        >>> player = ddsp_tf.load_expression(ddsp_tf.instrument("demo_violin"))
        >>> shapes = player.shapes([Note(0.0, 1.0, 69.0, -10.0)], 100, 100)
        >>> bool(np.ptp(shapes.midi[10:90]) > 0.02)  # Not plain.
        True
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.notes = RecordedNotes(arrays)
        self.network = _network(np.asarray(arrays["network"]))
        self.arrays = {**self.notes.arrays, "network": np.asarray(arrays["network"])}
        deviations = self.arrays["relative_db"].astype(np.float64)
        deviation_db = np.sqrt(np.mean(np.square(deviations)))
        self._db_share = float(np.interp(deviation_db, _DEVIATIONS_DB, _DB_SHARES))

    @classmethod
    def of(
        cls, network: NoteNetwork, phrases: Iterable[Phrase], frame_rate: float
    ) -> "LearnedExpression":
        """Combines a trained network with the notes that it was trained on.

        Args:
            network: Trained network.
            phrases: Recordings, with their notes.
            frame_rate: Frames per second.

        Returns:
            The expression.

        Raises:
            NoNotesError: If no note is found in the recordings.
        """
        weights = weights_of(network)
        stored = _network(weights)
        notes = RecordedNotes.learn(
            phrases,
            frame_rate,
            lambda phrase: _predict(stored, phrase.notes, frame_rate, phrase.midi.size),
        )
        return cls({**notes.arrays, "network": weights})

    @property
    def count(self) -> int:
        """Number of recorded notes."""
        return self.notes.count

    def shapes(
        self, notes: Sequence[Note], frame_rate: float, frames: int, seed: int = 0
    ) -> Shapes:
        """Shapes the notes of one voice; see `Expression.shapes`."""
        midi, level_db = Plain().shapes(notes, frame_rate, frames)
        own_frames = int(np.ceil(frames * self.notes.frame_rate / frame_rate))
        predicted = _predict(self.network, notes, self.notes.frame_rate, own_frames)
        places = note_frames(notes, self.notes.frame_rate, own_frames)
        for k, number, own in self.notes.chosen(notes, frame_rate, frames, seed):
            size = own.stop - own.start
            usual = predicted[slice(*places[k])]
            if not len(usual):
                continue
            usual_db, usual_cents = (stretched(curve, size) for curve in usual.T)
            cents, relative_db = self.notes.warped(number, size, frame_rate)
            limit = cents_limit(note_facts(notes, k), size)
            cents = usual_cents + _cents_share(size, frame_rate) * cents
            midi[own] = notes[k].midi + np.clip(cents, -limit, limit) / 100.0
            level_db[own] = notes[k].level_db + usual_db + self._played(relative_db, frame_rate)
        return Shapes(midi, np.maximum(level_db, self.notes.pause_db))

    def _played(self, relative_db: np.ndarray, frame_rate: float) -> np.ndarray:
        """Returns what is played of the loudness that is particular to a recorded note."""
        frames = np.arange(relative_db.size)
        attack = np.maximum(1.0 - frames / (_ATTACK_SECONDS * frame_rate), 0.0)
        share = np.minimum(self._db_share + _MORE_OF_ATTACK * attack, 1.0)
        trend = _TREND_SHARE * _trend(relative_db, frame_rate)
        return share * relative_db + (1.0 - share) * trend


def _network(weights: np.ndarray) -> NoteNetwork:
    network = NoteNetwork()
    network.build()
    set_weights(network, weights)
    return network


def _predict(
    network: NoteNetwork, notes: Sequence[Note], frame_rate: float, frames: int
) -> np.ndarray:
    """Returns decibels and cents relative to the notes, float64 [frames, 2]."""
    curves, state, found = note_curves(notes, frame_rate, frames)[None], None, []
    for first in range(0, frames, _BLOCK_FRAMES):
        moves, state = network(curves[:, first : first + _BLOCK_FRAMES], state)
        found.append(ops.convert_to_numpy(moves)[0])
    return np.concatenate([np.zeros((0, 2)), *found]).astype(np.float64)


def _trend(curve: np.ndarray, frame_rate: float) -> np.ndarray:
    """Fits a line of mean 0 to a curve without its edges; zeros if it is short."""
    edge = round(_EDGE_SECONDS * frame_rate)
    if curve.size < 4 * edge:
        return np.zeros(curve.size)
    place = np.arange(curve.size) - 0.5 * (curve.size - 1)
    inside = slice(edge, curve.size - edge)
    return np.polyfit(place[inside], curve[inside], 1)[0] * place


def _cents_share(frames: int, frame_rate: float) -> np.ndarray:
    """Returns the share of a recorded note's pitch that is played in each frame."""
    place = np.arange(frames)
    inside = np.minimum(place, place[::-1]) / (_EDGE_SECONDS * frame_rate)
    return _EDGE_CENTS_SHARE + (1.0 - _EDGE_CENTS_SHARE) * np.minimum(inside, 1.0)
