"""Adaptation of a model's room to its training recordings."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from ddsp_tf.configuration.experiment import Experiment
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.segments import read_segments
from ddsp_tf.features.reverberation import DRY_FALL_DB, largest_fall_db
from ddsp_tf.models import Autoencoder, LevelMatching
from ddsp_tf.processors import Reverb
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb

# Tolerances of `LevelMatching`: a room adds to the level.
_DRY_TOLERANCE_DB = 0.5
_ROOM_TOLERANCE_DB = 1.0
# `tap_scale` of a room that is learned slowly; see `Reverb`.
_TAP_SCALE = 0.05
# Enough audio to detect a room.
_LONGEST_SECONDS = 600.0


def suit_room(experiment: Experiment, manifests: Sequence[Manifest]) -> str | None:
    """Adapts the reverb at the end of a model to the recordings, if `train.room` is "auto".

    A room that is learned as fast as the decoder turns into an instrument that a faint dry sound
    excites: the training loss falls, but the model no longer follows pitch and loudness. Levels are
    therefore matched, and the room is learned slowly, or removed if the recordings have no audible
    room.

    Args:
        experiment: Experiment, whose model may be changed.
        manifests: Datasets to train on.

    Returns:
        Sentence that describes the change; None if there is none.
    """
    model = experiment.model
    if experiment.training.room != "auto" or not _ends_in_a_room(model):
        return None
    # The instruments of one model may have been recorded in different rooms.
    groups = [[manifest] for manifest in manifests] if model.instruments else [manifests]
    falls_db = [largest_fall_db(_recordings(group), model.sample_rate) or 0.0 for group in groups]
    name = model.processor_group.processors[-1].name
    is_dry = min(falls_db) >= DRY_FALL_DB
    if is_dry:
        model.processor_group.remove_output()
    else:
        _learn_slowly(model.processor_group.processors[-1])
    tolerance_db = _DRY_TOLERANCE_DB if is_dry else _ROOM_TOLERANCE_DB
    _match_levels(model, tolerance_db, manifests[0].extractor["loudness_fft_size"])
    levels = "" if model.level_matching is None else ", and levels are matched"
    if is_dry:
        return (
            f"the recordings have no audible room (tones fall by {min(falls_db):.0f} dB within 0.1 "
            f"s): {name} is left out{levels}; train.room='keep' keeps it"
        )
    return f"{name} is learned slowly{levels}; train.room='keep' trains the model as it is"


def _learn_slowly(reverb: ConvolutionReverb) -> None:
    if isinstance(reverb, Reverb) and reverb.tap_scale == 1.0:
        reverb.tap_scale = _TAP_SCALE


def _match_levels(model: Autoencoder, tolerance_db: float, loudness_fft_size: int) -> None:
    """Matches the levels of a model, unless it already does or they cannot be predicted."""
    matching = LevelMatching(tolerance_db, loudness_fft_size)
    if model.level_matching is not None or not model.level_name:
        return
    # Only harmonics and noise have levels that can be computed from their controls.
    with contextlib.suppress(ValueError):
        matching.check(model.processor_group)
        model.level_matching = matching


def _ends_in_a_room(model: Autoencoder) -> bool:
    last = model.processor_group.processors[-1]
    return isinstance(last, ConvolutionReverb) and last.learned and last.add_dry


def _recordings(manifests: Sequence[Manifest]) -> Iterator[np.ndarray]:
    """Reads the first minutes of the training recordings of each dataset."""
    for manifest in manifests:
        left = _LONGEST_SECONDS / len(manifests)
        for file in manifest.files_of("train"):
            if left <= 0.0:
                break
            for _, arrays in read_segments(manifest, file):
                yield arrays["audio"]
                left -= len(arrays["audio"]) / manifest.sample_rate
