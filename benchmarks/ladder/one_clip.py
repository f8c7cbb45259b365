"""Rung 2: one clip, overfitted."""

from pathlib import Path

import numpy as np
from fitted_inputs import losses
from floor import noise_floor, synthesizer_floor
from gates import Result, Table
from library_runs import draw_losses, prepare, train, untrained_files
from material import Material, full_passages, write_clips
from plan import Plan

from ddsp_tf.audio.writing import write_audio
from ddsp_tf.configuration.experiment import load_experiment, load_extractor
from ddsp_tf.data.pipeline import clips
from ddsp_tf.evaluation.figures import spectrogram_png
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.rendering import render_stems

_KINDS = ("loss", "magnitude", "log_magnitude")


def climb(plan: Plan, material: Material, folder: Path, on_step=None) -> Result:
    """Trains on one clip until it is memorized, and compares the loss with its floor.

    Args:
        plan: Steps and bounds.
        material: Recordings; the clip is a passage of the first one (`least_noisy`).
        folder: Folder for all files.
        on_step: Called as `on_step(step, steps, numbers)`.

    Returns:
        The rung's result.
    """
    result = Result(2, "one clip, overfitted", material.name, folder)
    rate = load_extractor(plan.config, plan.overrides).sample_rate
    experiment = load_experiment(plan.config, plan.overrides, plan.seed)
    passages = full_passages(material.train, plan.clip_seconds, rate, plan.n_passages)
    clip, chosen = least_noisy(plan, passages, experiment.loss, rate, folder / "passages")
    result.tables.append(chosen)
    manifest = prepare(plan, write_clips([clip], folder / "clip", rate), None, folder / "dataset")
    overrides = [
        f"train.clip_seconds={plan.clip_seconds}",
        "train.batch_size=1",
        "train.learning_rate=2e-3",
        "train.decay='cosine'",
    ]
    (before,) = untrained_files(plan, manifest, overrides).values()
    trained = train(plan, manifest, folder / "run", plan.clip_steps, overrides, on_step)
    (after,) = trained.files().values()
    (curves,) = _curves(plan, manifest)
    redrawn, redrawn_audio = noise_floor(curves, experiment.loss, rate)
    fitted, fitted_audio = synthesizer_floor(
        curves, experiment.model.processor_group, experiment.loss, steps=plan.floor_steps
    )
    reached = plan.reached
    down = {kind: 1.0 - after[kind] / before[kind] for kind in _KINDS}
    result.at_least("share of the spectral loss that is gone", down["loss"], reached["loss_down"])
    result.at_least(
        "share of its linear-magnitude part that is gone",
        down["magnitude"],
        reached["magnitude_down"],
    )
    result.at_most(
        "spectral loss over the synthesizers' floor",
        after["loss"] / fitted["loss"],
        reached["above_floor"],
    )
    result.tables.append(
        Table(
            f"{plan.clip_steps} steps on {plan.clip_seconds:g} s",
            ["", "spectral loss", "linear part", "log part"],
            [
                [name, *(f"{losses[kind]:.2f}" for kind in _KINDS)]
                for name, losses in (
                    ("untrained", before),
                    ("trained", after),
                    ("floor: the clip with its noise redrawn", redrawn),
                    ("floor: synthesizers with free controls", fitted),
                    ("trained above the clip's floor", _difference(after, redrawn)),
                    ("trained above the synthesizers' floor", _difference(after, fitted)),
                )
            ]
            + [["gone", *(f"{down[kind]:.1%}" for kind in _KINDS)]],
        )
    )
    stems = render_stems(
        load_model(trained.run.path),
        {name: curve[None] for name, curve in curves.items()},
    )
    sounds = {"target": curves["audio"], **{name: audio[0] for name, audio in stems.items()}}
    sounds |= {"target, noise redrawn": redrawn_audio, "free controls": fitted_audio}
    keep_sounds(result, sounds, rate)
    draw_losses(trained.log, folder / "loss.png")
    result.pictures["loss while training"] = "loss.png"
    return result


def keep_sounds(result: Result, sounds: dict, rate: int):
    """Writes sounds as WAV files, and spectrograms of the first two."""
    for number, (name, audio) in enumerate(sounds.items()):
        file = f"{name.replace(', ', '_').replace(' ', '_')}.wav"
        write_audio(result.folder / file, audio, rate)
        result.sounds[name] = file
        if number < 2:
            picture = file.replace(".wav", ".png")
            (result.folder / picture).write_bytes(spectrogram_png(audio, rate))
            result.pictures[name] = picture


def _difference(one, other):
    return {kind: one[kind] - other[kind] for kind in _KINDS}


def least_noisy(plan: Plan, passages, loss, rate: int, folder: Path):
    """Chooses the passage that reveals most about the network: the one whose noise costs least.

    If noise causes more of the loss than a gate allows, no model can pass the gate.

    Args:
        plan: Configuration and seed.
        passages: Clips of `clip_seconds`, [samples] each.
        loss: `MultiScaleSpectralLoss`.
        rate: Sample rate in Hz.
        folder: Folder for all files.

    Returns:
        Tuple of the clip, [samples], and a table of all.
    """
    manifest = prepare(
        plan, write_clips(passages, folder / "clips", rate), None, folder / "dataset"
    )
    found = []
    for clip in _curves(plan, manifest):
        redrawn, _ = noise_floor(clip, loss, rate, draws=1)
        silence = losses(loss, clip["audio"][None], np.zeros((1, len(clip["audio"]))))
        found.append((redrawn["magnitude"] / silence["magnitude"], redrawn["loss"], clip["audio"]))
    found.sort(key=lambda entry: entry[0])
    rows = [[f"{share:.1%}", f"{total:.2f}"] for share, total, _ in found]
    columns = ["noise redrawn: share of the linear part", "spectral loss"]
    return found[0][2], Table("passages to choose from, the first is taken", columns, rows)


def _curves(plan: Plan, manifest) -> list[dict]:
    frames = round(plan.clip_seconds * manifest.frame_rate)
    names = ("audio", "f0_hz", "f0_confidence", "loudness_db", "power_db")
    batches = clips(manifest, split="train", clip_frames=frames, features=names)
    return [
        {name: features[name][row] for name in names}
        for features, audio in batches.as_numpy_iterator()
        for row in range(len(audio))
    ]
