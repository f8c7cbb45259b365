"""Leaving out a room that the recordings do not have."""

from collections.abc import Iterator, Sequence

import numpy as np

from ddsp_tf.configuration.experiment import Experiment
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.data.segments import read_segments
from ddsp_tf.features.reverberation import DRY_FALL_DB, largest_fall_db
from ddsp_tf.models import Autoencoder, LevelMatching
from ddsp_tf.processors.convolution_reverb import ConvolutionReverb

_TOLERANCE_DB = 1.0
# Enough to hear a room in.
_LONGEST_SECONDS = 600.0


def suit_room(experiment: Experiment, manifests: Sequence[Manifest]) -> str | None:
    """Leaves the room out of a model if `train.room` is "auto" and the recordings have none.

    A learned room needs reverberation to learn from. Without any, it turns into an instrument that
    a faint dry sound excites: the loss falls, but pitch and loudness are no longer played as asked
    for. The levels of a model without a room are known, so they are matched, too.

    Args:
        experiment: Its model may be changed.
        manifests: Datasets to train on.

    Returns:
        A sentence that says so, None if the model is kept as it is.
    """
    model = experiment.model
    if experiment.training.room != "auto" or not _ends_in_a_room(model):
        return None
    fall_db = largest_fall_db(_recordings(manifests), model.sample_rate)
    if fall_db is None or fall_db < DRY_FALL_DB:
        return None
    name = leave_out_room(model, manifests[0].extractor["loudness_fft_size"])
    return (
        f"the recordings have no audible room (tones fall by {fall_db:.0f} dB within 0.1 s): "
        f"{name} is left out, and levels are matched; train.room='keep' keeps it"
    )


def leave_out_room(model: Autoencoder, loudness_fft_size: int) -> str:
    """Removes the reverb at the end of a model, and matches its levels where they can be known.

    Args:
        model: Model to change, not yet compiled. Weights that it had stay.
        loudness_fft_size: Window of the loudness feature in samples.

    Returns:
        Name of the reverb.
    """
    name = model.processor_group.remove_output()
    matching = LevelMatching(_TOLERANCE_DB, loudness_fft_size)
    if model.level_matching is None and model.level_name:
        try:
            matching.check(model.processor_group)
        except ValueError:  # Levels of other synthesizers are not known.
            return name
        model.level_matching = matching
    return name


def _ends_in_a_room(model: Autoencoder) -> bool:
    last = model.processor_group.processors[-1]
    return isinstance(last, ConvolutionReverb) and last.learned and last.add_dry


def _recordings(manifests: Sequence[Manifest]) -> Iterator[np.ndarray]:
    """Reads the training recordings of all datasets, the first minutes of each."""
    for manifest in manifests:
        left = _LONGEST_SECONDS / len(manifests)
        for file in manifest.files_of("train"):
            if left <= 0.0:
                break
            for _, arrays in read_segments(manifest, file):
                yield arrays["audio"]
                left -= len(arrays["audio"]) / manifest.sample_rate
