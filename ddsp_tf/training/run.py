"""A training run from names and paths: what `ddsp-tf train` does."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ddsp_tf.configuration.experiment import Experiment, load_experiment
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.mixing import merged_statistics
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.version import __version__


def train_run(
    config: str,
    data: str | os.PathLike | Sequence[str | os.PathLike],
    folder: str | os.PathLike,
    *,
    overrides: Sequence[str] = (),
    seed: int = 0,
    weights: Sequence[float] | None = None,
    devices: int = 1,
    on_step: Callable[[int, int, dict], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """Trains a configuration's model on one or several datasets, or goes on with it.

    Args:
        config: A gin file, or the name of a shipped one.
        data: Dataset folder, or several.
        folder: The run directory.
        overrides: Bindings such as "train.steps=2000".
        seed: Seed of initial weights, clip order and noise.
        weights: Share of the clips that each dataset gives, in any unit; by default shares like
            the datasets' lengths.
        devices: GPUs of this host over which each batch is divided.
        on_step: Called as `on_step(step, steps in all, numbers)`.
        on_warning: Called with a sentence when the run goes wrong without stopping.

    Returns:
        The summary of `Trainer.train`, which is also kept in run.json.

    Raises:
        UserError: If the configuration, a dataset or the folder is not usable.
    """
    from ddsp_tf.training.trainer import Trainer

    folders = [data] if isinstance(data, (str, os.PathLike)) else list(data)
    manifests = [load_manifest(one) for one in folders]
    _settle_backend()
    with _scope(devices):
        experiment = load_experiment(config, overrides, seed)
        steps, warnings = experiment.training.steps, []

        def report(step, numbers):
            if on_step:
                on_step(step, steps, numbers)

        def warn(text):
            warnings.append(text)
            if on_warning:
                on_warning(text)

        run = RunDirectory(folder)
        # Everything that can be wrong is found out before the folder is made.
        trainer = Trainer(
            experiment,
            manifests,
            run,
            seed,
            weights=weights,
            devices=devices,
            on_step=report,
            on_warning=warn,
        )
        run.open(experiment.text, _record(config, folders, experiment, manifests, seed, weights))
        summary = trainer.train()
    run.update({**summary, "steps": steps, "warnings": warnings})
    return summary


def _settle_backend():
    """Makes CPU runs repeat to the last digit, and leaves the GPU to the backend that trains."""
    import keras
    import tensorflow as tf

    if keras.backend.backend() == "jax":
        with contextlib.suppress(RuntimeError):  # Too late, if TensorFlow has run already.
            tf.config.set_visible_devices([], "GPU")
    elif not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


def _scope(devices: int):
    from ddsp_tf.training.step import scope

    try:
        return scope(devices)
    except ValueError as error:
        raise UserError(f"devices={devices}: {error}") from error


def _record(config, folders, experiment: Experiment, manifests: list[Manifest], seed, weights):
    import keras
    import tensorflow as tf

    first, together = manifests[0], len(manifests) > 1
    fingerprints = [manifest.fingerprint for manifest in manifests]
    record = {
        "ddsp_tf_version": __version__,
        "versions": {
            "python": sys.version.split()[0],
            "backend": keras.backend.backend(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "config": config,
        "seed": seed,
        "steps": experiment.training.steps,
        "dataset": str(Path(folders[0]).resolve()),
        "recordings": ", ".join(manifest.title for manifest in manifests),
        "dataset_fingerprint": " ".join(fingerprints),
        "extractor": first.extractor,
        "feature_statistics": merged_statistics([manifest.statistics for manifest in manifests]),
    }
    if together:
        record["datasets"] = [str(Path(folder).resolve()) for folder in folders]
        record["weights"] = list(weights) if weights else None
    return record
