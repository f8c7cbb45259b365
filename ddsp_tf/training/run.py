"""A training run described by names and paths: what `ddsp-tf train` does around `model.fit`."""

import dataclasses
import os
import sys
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from ddsp_tf.configuration.comparison import earlier_defaults, kept_note
from ddsp_tf.configuration.experiment import Experiment, load_experiment
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.files.locks import locked
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.processors.harmonic import Harmonic
from ddsp_tf.training.adaptation import resolve_configuration
from ddsp_tf.training.compatibility import check_datasets
from ddsp_tf.training.devices import (
    configure_backend,
    device_count,
    spread_over,
)
from ddsp_tf.training.ensemble_runs import (
    Data,
    equal_shares,
    instruments_override,
    named_datasets,
    write_instruments,
)
from ddsp_tf.training.expression import expressions_learned
from ddsp_tf.training.fitting import Fitting
from ddsp_tf.training.merged_statistics import merged_statistics
from ddsp_tf.training.pitch_range import harmonics_advice, loudness_advice
from ddsp_tf.training.processes import own_copy, process_number
from ddsp_tf.training.room_choice import suit_room
from ddsp_tf.training.warm_start import find_ancestor, start_override, warm_start
from ddsp_tf.version import __version__


def train_run(
    config: str | None,
    data: Data,
    folder: str | os.PathLike,
    *,
    start_from: str | os.PathLike | None = None,
    overrides: Sequence[str] = (),
    seed: int = 0,
    weights: Sequence[float] | None = None,
    devices: int | None = None,
    on_step: Callable[[int, int, dict], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """Trains the model of a configuration on one or more datasets, or resumes its training.

    On a CPU, TensorFlow computes deterministically from then on in the whole process: runs with the
    same seed are equal to the last digit.

    Args:
        config: Path of a gin file, or the name of a shipped one; None to adapt `start_from`, with
            its configuration and a short training (`ADAPTATION`).
        data: Dataset folder, or several; or folders by the name of the instrument, such as
            {"cello": "cello_dataset", "sax": "sax_dataset"}, for a model of several instruments.
        folder: Folder of the run.
        start_from: Model whose weights the training starts from: run directory, `.keras` file, or
            "bundled:NAME"; see `warm_start`. It sets `train.start_from`.
        overrides: Bindings such as "train.steps=2000".
        seed: Seed of initial weights, noise and clip order.
        weights: Share of the clips from each dataset, in any unit; by default proportional to the
            datasets' lengths, and equal for all instruments.
        devices: Number of GPUs of this process, which divide its part of each batch; by default
            one, or all if several processes train together.
        on_step: Function called as `on_step(step, steps, numbers)` after each row of metrics.
        on_warning: Function called with a sentence about each problem that does not stop the run,
            changes to the model's room, weights taken from the model to start from, and defaults
            that an earlier version started the run with.

    Returns:
        "step", "seconds", and "first_validation_loss", "validation_loss" and "best_validation_loss"
        if there are held-out recordings. run.json contains them, too.

    Raises:
        UserError: If the configuration, a dataset or the folder cannot be used, the loss is no
            longer finite, the GPU runs out of memory, or a dataset can no longer be read.
        Stopped: If the process was asked to stop; a checkpoint is saved.

    Example:
        >>> train_run("demo", "my_dataset", "my_run", seed=1)  # doctest: +SKIP
    """
    config, settings = resolve_configuration(config, start_from, folder)
    folders, names = named_datasets(data)
    manifests = [load_manifest(one) for one in folders]
    if names and weights is None:
        weights = equal_shares(manifests, names)
    configure_backend()
    if process_number() > 0:
        on_step = on_warning = None
    with own_copy(folder) as place, locked(place, "training"), spread_over(devices):
        run = RunDirectory(place)
        own = [*start_override(start_from), *instruments_override(names, config)]
        overrides = [*settings, *overrides, *own]
        kept = earlier_defaults(run, config, overrides)
        experiment = load_experiment(config, [*kept, *overrides], seed)
        check_datasets(experiment, manifests, names, device_count())
        source = experiment.training.start_from
        ancestor = find_ancestor(source, run) if source else None
        notes = [kept_note(kept) if kept else None, suit_room(experiment, manifests)]
        fitting = Fitting(experiment, manifests, run, seed, weights, names, on_step, on_warning)
        if ancestor and not fitting.checkpoint.latest_step():
            notes.append(warm_start(experiment.model, source))
        record = _record(config, experiment, manifests, seed, weights)
        record["instruments"] = names
        record["ancestor"] = dataclasses.asdict(ancestor) if ancestor else None
        notes += _advice(experiment.model, manifests[0], record["feature_statistics"])
        run.open(experiment.text, {**record, **run.describe_datasets(folders)})
        for note in filter(None, notes):
            (on_warning or (lambda text: None))(note)
        parts = write_instruments(run, folders, manifests, names)
        with expressions_learned([(manifests, run), *parts]) as learning:
            summary = fitting.run_to_end(learning)
        fitting.record(summary)
        write_instruments(run, folders, manifests, names)
        return summary


def _advice(model, manifest: Manifest, statistics) -> list[str | None]:
    """Returns advice if a model or its features do not fit the pitch of the training data."""
    pitch_hz, rate = statistics["f0_hz"], model.sample_rate
    found = [
        harmonics_advice(processor.n_harmonics, rate, pitch_hz)
        for processor in model.processor_group.processors
        if isinstance(processor, Harmonic)
    ]
    if model.level_name == "loudness_db":
        fft_size = manifest.extractor["loudness_fft_size"]
        found.append(loudness_advice(fft_size, rate, pitch_hz))
    return found


def _record(config, experiment: Experiment, manifests: list[Manifest], seed, weights):
    fingerprints = [manifest.fingerprint for manifest in manifests]
    return {
        "ddsp_tf_version": __version__,
        "versions": {
            "python": sys.version.split()[0],
            "backend": keras.backend.backend(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "config": str(config),
        "seed": seed,
        "steps": experiment.training.steps,
        "recordings": ", ".join(manifest.title for manifest in manifests),
        "dataset_fingerprint": " ".join(fingerprints),
        "extractor": manifests[0].extractor,
        "feature_statistics": merged_statistics(
            [manifest.statistics for manifest in manifests], weights
        ),
        "weights": [float(weight) for weight in weights] if weights else None,
    }
