"""Rung 5: the contribution of each branch of the synthesizer."""

from pathlib import Path

from gates import Result, Table
from library_runs import evaluate, prepare, train
from material import Material, clips_of, with_noise_and_room, write_clips
from one_clip import keep_sounds
from plan import Plan

from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.pipeline import clips
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.rendering import render_stems

_HARMONIC = "(@Harmonic(), ['amplitudes', 'harmonic_distribution', 'f0_hz'])"
_NOISE = "(@FilteredNoise(), ['noise_magnitudes'])"
_SUM = "(@dry/Add(), ['harmonic', 'filtered_noise'])"
# In every row, tones start dull and the room is learned slowly; otherwise the reverb, learned as
# fast as the networks, would take over their work.
START = ["Harmonic.initial_decay_db=12.0", "Reverb.tap_scale=0.1"]
BRANCHES = {
    "harmonic": [
        "decoder_outputs={'amplitudes': 1, 'harmonic_distribution': %n_harmonics}",
        f"ProcessorGroup.nodes=[{_HARMONIC}]",
    ],
    "+ noise": [f"ProcessorGroup.nodes=[{_HARMONIC}, {_NOISE}, {_SUM}]"],
    "+ reverb": [],
}


def climb(plan: Plan, material: Material, folder: Path, on_step=None, *, made: bool) -> Result:
    """Trains on the same clips, adding one branch at a time.

    Args:
        plan: Steps and bounds.
        material: Recordings.
        folder: Folder for all files.
        on_step: Called as `on_step(step, steps, numbers)`.
        made: Whether to add hiss and a room to the recordings. Both are then known to be present,
            and each branch must lower the loss; otherwise the table only reports.

    Returns:
        The rung's result.
    """
    name = f"{material.name}, with hiss and a room" if made else material.name
    result = Result(5, "ablation of the branches", name, folder)
    rate = load_extractor(plan.config, plan.overrides).sample_rate
    folders = []
    for part, files in (("train", material.train), ("held_out", material.held_out)):
        cut = clips_of(files, plan.clip_seconds, plan.n_clips, rate)
        if made:
            cut = [with_noise_and_room(clip, rate, seed) for seed, clip in enumerate(cut)]
        folders.append(write_clips(cut, folder / "clips" / part, rate))
    manifest = prepare(plan, *folders, folder / "dataset")
    rows, losses, models = [], {}, {}
    for branch, overrides in BRANCHES.items():
        run = folder / branch.replace("+ ", "with_")
        trained = train(plan, manifest, run, plan.ablation_steps, [*START, *overrides], on_step)
        summary = evaluate(trained, plan.clip_seconds)
        losses[branch], models[branch] = summary["spectral_loss"], run
        names = ("spectral_loss", "magnitude", "log_magnitude", "loudness_l1_db", "f0_l1_semitones")
        rows.append([branch, *(f"{summary[name]:.3f}" for name in names)])
    result.tables.append(
        Table(
            f"held-out clips, {plan.ablation_steps} steps each",
            ["", "spectral loss", "linear part", "log part", "loudness L1, dB", "f0 L1, semitones"],
            rows,
        )
    )
    if made:
        for before, branch in zip(BRANCHES, list(BRANCHES)[1:], strict=False):
            result.at_least(
                f"spectral loss that {branch[2:]} takes off",
                losses[before] - losses[branch],
                plan.reached["branch"],
            )
    frames = round(plan.clip_seconds * manifest.frame_rate)
    batches = clips(manifest, split="validation", clip_frames=frames).as_numpy_iterator()
    features, audio = next(batches)
    sounds = {"target": audio[0]}
    for branch, run in models.items():
        sounds[branch.replace("+ ", "with ")] = render_stems(
            load_model(run), {**features, "audio": audio}
        )["reconstruction"][0]
    keep_sounds(result, sounds, rate)
    return result
