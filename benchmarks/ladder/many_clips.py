"""Rungs 3 and 4: ten to fifty clips, and clips that were held out."""

import os
from pathlib import Path

import numpy as np
from gates import Result, Table
from library_runs import Trained, draw_losses, evaluate, prepare, rebound, train, untrained_files
from material import Material, clips_of, write_clips
from plan import Plan

from ddsp_tf.configuration.experiment import load_extractor


def train_on_clips(plan: Plan, material: Material, folder: Path, on_step=None) -> Trained:
    """Makes the dataset of rungs 3 and 4, and trains on it.

    Args:
        plan: Steps and bounds.
        material: Recordings; if none are held out, the last sixth of the clips is.
        folder: Folder for all files.
        on_step: Called as `on_step(step, steps, numbers)`.

    Returns:
        The run.
    """
    rate = load_extractor(plan.config, plan.overrides).sample_rate
    known = clips_of(material.train, plan.clip_seconds, plan.n_clips, rate)
    if material.held_out:
        unknown = clips_of(material.held_out, plan.clip_seconds, plan.n_clips, rate)
    else:
        split = -max(len(known) // 6, 1)
        known, unknown = known[:split], known[split:]
    manifest = prepare(
        plan,
        write_clips(known, folder / "clips" / "train", rate),
        write_clips(unknown, folder / "clips" / "held_out", rate),
        folder / "dataset",
    )
    return train(plan, manifest, folder / "run", plan.clips_steps, (), on_step)


def climb_training(plan: Plan, material: Material, folder: Path, trained: Trained) -> Result:
    """Examines the course of training, and the losses of every file.

    Args:
        plan: Steps and bounds.
        material: Recordings.
        folder: Folder for all files.
        trained: Run from `train_on_clips`.

    Returns:
        Result of rung 3.
    """
    result = Result(3, "many clips, stable and complete", material.name, folder)
    before = untrained_files(plan, trained.manifest, trained.overrides)
    after = {name: row for name, row in trained.files().items() if name.startswith("train/")}
    losses = np.array([row["loss"] for row in after.values()])
    down = np.array([1.0 - row["loss"] / before[name]["loss"] for name, row in after.items()])
    reached = plan.reached
    result.at_least("clips trained on", len(after), 10 if plan.n_clips >= 10 else plan.n_clips)
    result.at_most(
        "highest logged loss over the lowest before it",
        rebound(trained.log, after=plan.clips_steps // 10),
        reached["rebound"],
    )
    result.at_most("warnings of the run", len(trained.warnings), 0)
    result.at_least("share of its loss that the worst file lost", down.min(), reached["file_down"])
    result.at_most(
        "loss of the worst file over the median",
        losses.max() / np.median(losses),
        reached["worst_file"],
    )
    result.tables.append(
        Table(
            f"losses of every file, {plan.clips_steps} steps",
            ["file", "untrained", "trained", "gone", "linear part", "log part"],
            [
                [
                    name.removeprefix("train/"),
                    f"{before[name]['loss']:.2f}",
                    f"{row['loss']:.2f}",
                    f"{share:.0%}",
                    f"{row['magnitude']:.2f}",
                    f"{row['log_magnitude']:.2f}",
                ]
                for (name, row), share in zip(after.items(), down, strict=True)
            ],
        )
    )
    draw_losses(trained.log, folder / "loss.png")
    result.pictures["loss while training"] = "loss.png"
    return result


def climb_held_out(plan: Plan, material: Material, folder: Path, trained: Trained) -> Result:
    """Evaluates the same model on clips that it was not trained on.

    Args:
        plan: Steps and bounds.
        material: Recordings.
        folder: Folder for all files.
        trained: Run from `train_on_clips`.

    Returns:
        Result of rung 4.
    """
    result = Result(4, "clips held out from training", material.name, folder)
    summary = evaluate(trained, plan.clip_seconds)
    first = trained.log.column("validation_loss")[1][0]
    known = np.mean([row["loss"] for n, row in trained.files().items() if n.startswith("train/")])
    reached = plan.reached
    loss = summary["spectral_loss"]
    result.at_least(
        "share of the spectral loss that is gone", 1.0 - loss / first, reached["held_out_down"]
    )
    result.at_most(
        "spectral loss over that of the training clips", loss / known, reached["generalization"]
    )
    result.at_most("loudness L1, dB", summary["loudness_l1_db"], reached["loudness_db"])
    result.at_most("f0 L1, semitones", summary["f0_l1_semitones"], reached["f0_semitones"])
    result.at_most("share of f0 outliers", summary["f0_outlier_share"], reached["f0_outliers"])
    rows = [
        ["spectral loss, untrained", f"{first:.2f}"],
        ["spectral loss, clips trained on", f"{known:.2f}"],
        *(
            [name.replace("_", " "), f"{value:.3f}"]
            for name, value in summary.items()
            if not name[-1].isdigit()
        ),
    ]
    result.tables.append(Table("held-out clips", ["", "mean"], rows))
    result.pages["every clip, to listen to"] = os.path.relpath(trained.run.report, folder)
    return result
