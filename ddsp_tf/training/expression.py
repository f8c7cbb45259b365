"""Learns a player's expression from the recordings of a run: how the player shapes notes."""

from collections.abc import Iterator, Sequence

import numpy as np

from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.segments import read_segments
from ddsp_tf.expression.recorded import NoNotesError, RecordedNotes
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.expression_files import save_expression

# More notes fit no better, and searching them takes longer.
_MOST_SECONDS = 3600.0


def learn_expression(manifests: Sequence[Manifest], run: RunDirectory) -> None:
    """Learns the player's expression and stores it in the run, unless it is there.

    Takes about ten seconds for an hour of recordings; only the first hour is used. If the
    recordings have no notes, no file is written.

    Args:
        manifests: Datasets of the run.
        run: Run to add it to.
    """
    if run.expression.exists():
        return
    try:
        expression = RecordedNotes.learn(
            _recordings(manifests), manifests[0].frame_rate, manifests[0].sample_rate
        )
    except NoNotesError:  # Recordings of noise, for example.
        return
    save_expression(run.expression, expression)


def _recordings(manifests: Sequence[Manifest]) -> Iterator[tuple[dict, np.ndarray]]:
    seconds = 0.0
    for manifest in manifests:
        for file in manifest.files_of("train"):
            for _, arrays in read_segments(manifest, file):
                if seconds > _MOST_SECONDS:
                    return
                seconds += len(arrays["f0_hz"]) / manifest.frame_rate
                yield arrays, arrays["audio"]
