"""A training run from names and paths: what `ddsp-tf train` does."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ddsp_tf.configuration import Experiment, load_experiment
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.training.run_directory import RunDirectory
from ddsp_tf.version import __version__


def train_run(
    config: str,
    data: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    overrides: Sequence[str] = (),
    seed: int = 0,
    on_step: Callable[[int, int, dict], None] | None = None,
) -> dict[str, float]:
    """Trains a configuration's model on a dataset, or goes on with it.

    Args:
        config: A gin file, or the name of a shipped one.
        data: Dataset folder.
        folder: The run directory.
        overrides: Bindings such as "train.steps=2000".
        seed: Seed of initial weights, clip order and noise.
        on_step: Called as `on_step(step, steps in all, numbers)`.

    Returns:
        The summary of `Trainer.train`, which is also kept in run.json.

    Raises:
        UserError: If the configuration, the dataset or the folder is not usable.
    """
    from ddsp_tf.training.trainer import Trainer

    manifest = load_manifest(data)
    experiment = load_experiment(config, overrides, seed)
    steps = experiment.training.steps

    def report(step, numbers):
        if on_step:
            on_step(step, steps, numbers)

    run = RunDirectory(folder)
    # Everything that can be wrong is found out before the folder is made.
    trainer = Trainer(experiment, manifest, run, seed, report)
    run.open(experiment.text, _record(config, data, experiment, manifest, seed))
    summary = trainer.train()
    run.update({**summary, "steps": steps})
    return summary


def _record(config: str, data, experiment: Experiment, manifest: Manifest, seed: int) -> dict:
    import keras
    import tensorflow as tf

    return {
        "ddsp_tf_version": __version__,
        "versions": {
            "python": sys.version.split()[0],
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "config": config,
        "seed": seed,
        "steps": experiment.training.steps,
        "dataset": str(Path(data).resolve()),
        "recordings": manifest.title,
        "dataset_fingerprint": manifest.fingerprint,
        "extractor": manifest.extractor,
        "feature_statistics": manifest.statistics,
    }
