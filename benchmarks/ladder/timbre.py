"""Rung 6: an encoder for the timbre that pitch and loudness do not determine."""

from pathlib import Path

import numpy as np
from gates import Result, Table
from library_runs import evaluate, prepare, train
from material import clips_of, level_db, write_clips
from matplotlib.figure import Figure
from one_clip import keep_sounds
from plan import Plan

from ddsp_tf.app.recordings import recording
from ddsp_tf.backend.compilation import compiled
from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.pipeline import clips
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.rendering import render_stems

_Z_DIMS = 8
ENCODER = [
    "decoder_inputs=['f0_hz', 'loudness_db', 'z']",
    "Autoencoder.encoder=@MfccRnnEncoder()",
    f"MfccRnnEncoder.z_dims={_Z_DIMS}",
    "MfccRnnEncoder.sample_rate=%sample_rate",
    "MfccRnnEncoder.frame_rate=%frame_rate",
    "MfccRnnEncoder.stride=4",
    "MfccRnnEncoder.rnn_channels=64",
    *(
        f"{decoder}.input_sizes={{'z': {_Z_DIMS}}}"
        for decoder in ("RnnDecoder", "MinGruDecoder", "DilatedConvDecoder")
    ),
]
_POINTS = 11


def climb(plan: Plan, folder: Path, on_step=None) -> Result:
    """Trains violin and flute together, with and without an encoder; then moves z between them.

    Args:
        plan: Steps and bounds.
        folder: Folder for all files.
        on_step: Called as `on_step(step, steps, numbers)`.

    Returns:
        The rung's result.
    """
    result = Result(6, "timbre", "violin and flute", folder)
    rate = load_extractor(plan.config, plan.overrides).sample_rate
    train_folder, held_out_folder = _write_recordings(plan, folder / "clips", rate)
    manifest = prepare(plan, train_folder, held_out_folder, folder / "dataset")
    summaries = {}
    for name, overrides in (("pitch and loudness", []), ("and timbre", ENCODER)):
        run = folder / name.replace(" ", "_")
        trained = train(plan, manifest, run, plan.timbre_steps, overrides, on_step)
        summaries[name] = evaluate(trained, plan.clip_seconds)
    model = load_model(trained.run.path)
    alone, heard = (summary["spectral_loss"] for summary in summaries.values())
    result.at_least(
        "share of the held-out loss that z takes off",
        1.0 - heard / alone,
        plan.reached["timbre_gain"],
    )
    names = ("spectral_loss", "magnitude", "log_magnitude", "loudness_l1_db", "f0_l1_semitones")
    result.tables.append(
        Table(
            f"held-out clips, {plan.timbre_steps} steps each",
            ["the decoder knows", *(name.replace("_", " ") for name in names)],
            [[key, *(f"{s[name]:.3f}" for name in names)] for key, s in summaries.items()],
        )
    )
    shares, centroids, sounds = _walk(plan, manifest, model)
    result.at_least(
        "rank correlation of spectral centroid and z",
        _monotonic(centroids),
        plan.reached["monotonic"],
    )
    result.at_most(
        "largest of the steps over the whole way",
        np.abs(np.diff(centroids)).max() / max(np.ptp(centroids), 1e-9),
        plan.reached["largest_step"],
    )
    result.tables.append(
        Table(
            "A4 at one loudness, z moved from violin to flute",
            ["share of the flute's z", "spectral centroid, Hz"],
            [[f"{share:.1f}", f"{hz:.0f}"] for share, hz in zip(shares, centroids, strict=True)],
        )
    )
    _draw(shares, centroids, folder / "centroid.png")
    keep_sounds(result, sounds, rate)
    result.pictures = {"spectral centroid": "centroid.png", **result.pictures}
    return result


def _write_recordings(plan, folder, rate) -> tuple[Path, Path]:
    """Equal numbers of clips of both instruments; the last of the flute's are held out."""
    flute = clips_of([recording("flute")], plan.clip_seconds, 100, rate)
    n_held_out = max(len(flute) // 4, 1)
    known, unknown = flute[:-n_held_out], flute[-n_held_out:]
    parts = {
        "train": (clips_of([recording("violin")], plan.clip_seconds, len(known), rate), known),
        "held_out": (
            clips_of([recording("violin_unseen")], plan.clip_seconds, n_held_out, rate),
            unknown,
        ),
    }
    for part, (violin, other) in parts.items():
        write_clips([*violin, *other], folder / part, rate)
    return folder / "train", folder / "held_out"


def _walk(plan, manifest, model):
    """Plays one note with z at points between the two instruments' means."""
    frames = round(plan.clip_seconds * manifest.frame_rate)
    batches = list(clips(manifest, split="train", clip_frames=frames).as_numpy_iterator())
    means = [compiled(model.encode)(audio) for _, audio in batches]
    means = np.array([np.asarray(z).mean(axis=(0, 1)) for z in means])
    half = len(means) // 2
    violin, flute = means[:half].mean(axis=0), means[half:].mean(axis=0)
    shares = np.linspace(0.0, 1.0, _POINTS)
    loud = np.concatenate([features["loudness_db"].ravel() for features, _ in batches])
    curves = {
        "f0_hz": np.full((_POINTS, manifest.frame_rate), 440.0),
        "loudness_db": np.full((_POINTS, manifest.frame_rate), np.percentile(loud, 75)),
        "power_db": np.full((_POINTS, manifest.frame_rate), -20.0),
        "z": (violin + shares[:, None] * (flute - violin))[:, None]
        + np.zeros((1, manifest.frame_rate, 1)),
    }
    audio = render_stems(model, curves)["reconstruction"]
    centroids = [centroid_hz(clip, manifest.sample_rate) for clip in audio]
    sounds = {f"z at {share:.1f}": clip for share, clip in zip(shares, audio, strict=True)}
    kept = {name: clip for name, clip in sounds.items() if name in ("z at 0.0", "z at 1.0")}
    return shares, np.array(centroids), {**kept, "from z at 0.0 to 1.0": np.concatenate(audio)}


def centroid_hz(audio, sample_rate: int) -> float:
    """Mean frequency of a sound, each frequency weighted by its magnitude; 0 if it is silent."""
    if level_db(audio) < -100.0:
        return 0.0
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    frequencies = np.fft.rfftfreq(len(audio), 1.0 / sample_rate)
    return float(spectrum @ frequencies / spectrum.sum())


def _monotonic(values) -> float:
    """Spearman's rank correlation with the order, whichever way the values go."""
    ranks = np.argsort(np.argsort(values))
    return abs(float(np.corrcoef(ranks, np.arange(len(values)))[0, 1]))


def _draw(shares, centroids, path: Path):
    figure = Figure((5.0, 3.0), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(shares, centroids, marker="o")
    axes.set_xlabel("z, from violin (0) to flute (1)")
    axes.set_ylabel("spectral centroid, Hz")
    axes.grid(alpha=0.3)
    figure.savefig(path)
