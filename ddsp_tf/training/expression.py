"""Learns a player's expression from the recordings of a run: how the player shapes notes."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ddsp_tf.backend.placement import on_cpu
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.segments import read_segments
from ddsp_tf.errors import UserError
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.phrases import Phrase
from ddsp_tf.expression.recorded import NoNotesError, RecordedNotes
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.expression_files import read_expression, save_expression
from ddsp_tf.training.devices import device_count
from ddsp_tf.training.note_network import train_note_network

# More notes fit no better, and searching them takes longer.
_MOST_SECONDS = 3600.0
# With more steps, unseen notes are predicted less well.
_STEPS = 300
# Shorter runs are trials, which need no network.
_LEAST_RUN_STEPS = 100


def learn_expression(manifests: Sequence[Manifest], run: RunDirectory) -> None:
    """Learns the player's expression and stores it in the run, unless it is there.

    Takes about ten seconds for an hour of recordings, of which only the first is used, and about
    as long to train the network, which runs of fewer than 100 steps do without. If the recordings
    have no notes, no file is written.

    Args:
        manifests: Datasets of the run.
        run: Run to add it to, with its record.
    """
    frame_rate, record = manifests[0].frame_rate, run.read()
    if _is_learned(run, record["steps"]):
        return
    phrases = list(_phrases(manifests))
    try:
        # Fails if there is nothing to learn from, before a network is trained.
        expression: RecordedNotes | LearnedExpression = RecordedNotes.learn(phrases, frame_rate)
        if record["steps"] >= _LEAST_RUN_STEPS:
            expression = _on_one_device(_learned, phrases, frame_rate, record["seed"])
    except NoNotesError:  # Recordings of noise, for example.
        return
    save_expression(run.expression, expression)


def _learned(phrases: Sequence[Phrase], frame_rate: float, seed: int) -> LearnedExpression:
    # On an H100, training took 28 s instead of 3 s: launching the small operations is what costs.
    with on_cpu():
        network = train_note_network(phrases, frame_rate, _STEPS, seed)
        return LearnedExpression.of(network, phrases, frame_rate)


def _is_learned(run: RunDirectory, steps: int) -> bool:
    """Whether the run has its expression, with a network if it is no trial."""
    with contextlib.suppress(UserError):  # A damaged one is learned again.
        return run.expression.exists() and (
            isinstance(read_expression(run.expression), LearnedExpression)
            or steps < _LEAST_RUN_STEPS
        )
    return False


def _on_one_device(function: Callable, *arguments: Any) -> Any:
    """Calls a function outside of the run's distribution, which belongs to the run's thread.

    Several processes need not call it together.
    """
    if device_count() == 1:
        return function(*arguments)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def _phrases(manifests: Sequence[Manifest]) -> Iterator[Phrase]:
    seconds = 0.0
    for manifest in manifests:
        for file in manifest.files_of("train"):
            for _, arrays in read_segments(manifest, file):
                if seconds > _MOST_SECONDS:
                    return
                seconds += len(arrays["f0_hz"]) / manifest.frame_rate
                yield Phrase.of(arrays, manifest.frame_rate, arrays["audio"], manifest.sample_rate)
