"""Trainings with the library, and their results in the form that the rungs use."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
from plan import Plan

from ddsp_tf.app.pages.report import write_report
from ddsp_tf.configuration.experiment import load_experiment, load_extractor
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.evaluation.charts import loss_curves_png
from ddsp_tf.evaluation.evaluator import evaluate_run
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.run import train_run
from ddsp_tf.training.validation import ValidationClips


@dataclasses.dataclass
class Trained:
    """A finished run.

    Attributes:
        run: Run directory.
        manifest: Dataset.
        log: Metrics.
        warnings: Warnings of the run about its own health.
        overrides: Settings it was started with.
    """

    run: RunDirectory
    manifest: Manifest
    log: MetricsLog
    warnings: list[str]
    overrides: list[str]

    def files(self) -> dict[str, dict[str, float]]:
        """Returns the losses of every file by kind, by "split/name"."""
        with self.run.files.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {
            f"{row['split']}/{row['source']}": {
                key: float(value) for key, value in row.items() if key not in ("split", "source")
            }
            for row in rows
        }


def prepare(plan: Plan, train: Path, held_out: Path | None, out: Path) -> Manifest:
    """Makes the dataset of a rung."""
    return prepare_dataset(
        [train],
        out,
        extractor=load_extractor(plan.config, plan.overrides),
        validation=[held_out] if held_out else [],
        validation_share=0.0,
        seed=plan.seed,
    )


def train(
    plan: Plan, manifest: Manifest, folder: Path, steps: int, overrides=(), on_step=None
) -> Trained:
    """Trains the plan's configuration.

    Args:
        plan: Configuration and seed.
        manifest: Dataset.
        folder: Folder of the run.
        steps: Training steps.
        overrides: Further settings.
        on_step: Called as `on_step(step, steps, numbers)`.

    Returns:
        The run.
    """
    overrides = [
        f"train.steps={steps}",
        f"train.validate_every={max(steps // 4, 1)}",
        "train.render_every=0",
        f"train.warm_up_steps={min(50, steps // 4)}",
        *plan.overrides,
        *overrides,
    ]
    train_run(
        plan.config,
        manifest.folder,
        folder,
        overrides=overrides,
        seed=plan.seed,
        on_step=on_step,
    )
    run = RunDirectory(folder)
    return Trained(
        run,
        manifest,
        MetricsLog(run.metrics),
        run.read()["warnings"],
        overrides,
    )


def untrained_files(plan: Plan, manifest: Manifest, overrides=()) -> dict[str, dict[str, float]]:
    """Measures every file with the model before its first step; keys as in `Trained.files`."""
    experiment = load_experiment(plan.config, [*plan.overrides, *overrides], plan.seed)
    frames = experiment.training.clip_frames(experiment.model.frame_rate)
    validation = ValidationClips(experiment.model, [load_manifest(manifest.folder)], frames)
    rows = validation.files(experiment.loss)
    return {
        f"{row['split']}/{row['source']}": {
            key: float(value) for key, value in row.items() if key not in ("split", "source")
        }
        for row in rows
    }


def evaluate(trained: Trained, clip_seconds: float) -> dict[str, float]:
    """Evaluates a run on its validation split; leaves report.html in it."""
    evaluation = evaluate_run(trained.run, clip_seconds=clip_seconds, shown_clips=4)
    write_report(trained.run, evaluation)
    return evaluation.record.summary


def draw_losses(log: MetricsLog, path: Path):
    """Draws the training loss and its parts."""
    names = [name for name in ("loss", "magnitude", "log_magnitude") if name in log.columns]
    picture = loss_curves_png({name: log.column(name) for name in names})
    if picture:
        path.write_bytes(picture)


def rebound(log: MetricsLog, after: int) -> float:
    """Returns the highest ratio of a logged loss to the lowest before it, past a step."""
    steps, values = log.column("loss")
    values = values[steps > after]
    if len(values) < 2:
        return float("nan") if not np.isfinite(values).all() else 1.0
    return float((values[1:] / np.minimum.accumulate(values)[:-1]).max())
