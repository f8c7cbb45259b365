"""Training of the network that predicts how a player shapes notes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from ddsp_tf.configuration.experiment import seeded
from ddsp_tf.expression.network import (
    CENTS_SCALE,
    DB_SCALE,
    NoteNetwork,
    octaves_of,
    set_weights,
)
from ddsp_tf.expression.note_curves import CURVES, note_curves
from ddsp_tf.expression.phrases import Phrase

#: Weights that `benchmarks/bundled/make_note_network.py` trained on the notes of several players.
SHARED = Path(__file__).with_name("note_network.npy")
# With more steps, unseen notes are predicted less well.
_STEPS = 300
# Players of fewer notes are learned from the shared weights, in as many steps for each note.
_FEW_NOTES, _STEPS_PER_NOTE, _LEAST_STEPS = 40, 3, 75
_BATCH, _CLIP_SECONDS = 12, 2.56
_LEARNING_RATE, _WEIGHT_DECAY, _GRADIENT_NORM = 3e-3, 1e-2, 1.0
# Random changes of a clip, so that the network does not recognize notes by pitch and level.
_PITCH_SEMITONES, _LEVEL_DB = 1.5, 2.0
# Larger errors, in units of the scales, count linearly instead of squared.
_OUTLIER = 3.0
_LEAST_DB, _MOST_DB = -45.0, 12.0


def new_note_network(seed: int) -> NoteNetwork:
    """Creates a network with initial weights.

    Args:
        seed: Seed of the weights.

    Returns:
        Network.
    """
    with seeded(seed):
        network = NoteNetwork()
        network.build()
    return network


def learn_player(
    network: NoteNetwork,
    phrases: Sequence[Phrase],
    frame_rate: float,
    seed: int = 0,
    is_stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains a network until it knows how a player shapes notes.

    With fewer than 40 notes, it starts from what several other players have in common.

    Args:
        network: Network from `new_note_network`.
        phrases: Recordings of the player, with at least one note.
        frame_rate: Frames per second.
        seed: Seed of the clips.
        is_stopped: Function that tells before every step whether to stop.

    Returns:
        Whether all steps were done.
    """
    notes = sum(len(phrase.notes) for phrase in phrases)
    steps = _STEPS
    if notes < _FEW_NOTES:
        set_weights(network, np.load(SHARED))
        steps = max(_STEPS_PER_NOTE * notes, _LEAST_STEPS)
    return train_note_network(network, phrases, frame_rate, steps, seed, is_stopped)


def train_note_network(
    network: NoteNetwork,
    phrases: Sequence[Phrase],
    frame_rate: float,
    steps: int,
    seed: int = 0,
    is_stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains a network on recordings.

    A step takes about 30 ms on one CPU core (100 frames per second).

    Args:
        network: Network from `new_note_network`.
        phrases: Recordings, with at least one note.
        frame_rate: Frames per second.
        steps: Number of training steps.
        seed: Seed of the clips.
        is_stopped: Function that tells before every step whether to stop.

    Returns:
        Whether all steps were done.
    """
    clip = round(_CLIP_SECONDS * frame_rate)
    curves, targets = _joined(phrases, frame_rate, clip)
    network.ranges.assign(_ranges(phrases, frame_rate))
    inputs = keras.Input((clip, len(CURVES)))
    model = keras.Model(inputs, network(inputs)[0])
    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    optimizer = keras.optimizers.AdamW(rate, _WEIGHT_DECAY, clipnorm=_GRADIENT_NORM)
    model.compile(optimizer, _loss, jit_compile=False)
    generator = np.random.default_rng(seed)
    for _ in range(steps):
        if is_stopped():
            return False
        firsts = generator.integers(0, len(curves) - clip, _BATCH)
        places = firsts[:, None] + np.arange(clip)
        batch = curves[places]
        changes = generator.normal(0.0, (_PITCH_SEMITONES, _LEVEL_DB), (_BATCH, 1, 2))
        batch[:, :, 1:3] += (changes * batch[:, :, :1]).astype(np.float32)
        model.train_on_batch(batch, targets[places])
    return True


def _joined(phrases, frame_rate, clip):
    """Joins all phrases, with half a clip of silence around each.

    Returns:
        `note_curves`, [frames, 11], and targets [frames, 4]: decibels and cents, and the weights of
        both.
    """
    curves, targets = [], []
    for phrase in phrases:
        own = np.zeros((phrase.midi.size, 4), np.float32)
        for frames, decibels, cents in phrase.moves(frame_rate):
            own[frames, 0] = np.clip(decibels, _LEAST_DB, _MOST_DB)
            own[frames, 1] = np.nan_to_num(cents)
            own[frames, 2] = 1.0
            own[frames, 3] = np.isfinite(cents)
        silence = [(clip // 2 + 1, clip // 2 + 1), (0, 0)]
        curves.append(np.pad(note_curves(phrase.notes, frame_rate, len(own)), silence))
        targets.append(np.pad(own, silence))
    return np.concatenate(curves), np.concatenate(targets)


def _ranges(phrases, frame_rate):
    notes = [note for phrase in phrases for note in phrase.notes]
    facts = np.array([(note.midi, note.level_db) for note in notes])
    seconds = np.array([note.offset_s - note.onset_s for note in notes]) - 1.0 / frame_rate
    facts = np.column_stack([facts, octaves_of(seconds)])
    return np.stack([facts.min(axis=0), facts.max(axis=0)])


def _loss(targets, moves):
    scales = np.array([DB_SCALE, CENTS_SCALE], np.float32)
    weights = targets[..., 2:]
    errors = ops.abs((moves - targets[..., :2]) / scales)
    costs = ops.where(errors < _OUTLIER, ops.square(errors), _OUTLIER * (2.0 * errors - _OUTLIER))
    return ops.sum(ops.sum(costs * weights, (0, 1)) / (ops.sum(weights, (0, 1)) + 1.0))
