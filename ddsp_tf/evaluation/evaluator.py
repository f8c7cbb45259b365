"""Measures a trained model on recordings: how close does it come, and in what."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from ddsp_tf.app.pages.report import ClipReport, write_report
from ddsp_tf.audio.files import file_sha256
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.pipeline import clips
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.atomic import atomic_path
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.rendering import render_stems
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.metrics.distances import f0_accuracy, f0_l1_semitones, f0_outlier_share, loudness_l1_db
from ddsp_tf.models import Autoencoder
from ddsp_tf.training.metrics_log import MetricsLog

_CURVES = ("f0_hz", "f0_confidence", "loudness_db")


@dataclasses.dataclass
class Evaluation:
    """Result of `evaluate_model`.

    Attributes:
        summary: Mean of every metric over the clips; for f0 metrics over the clips with pitch.
        clips: One `ClipReport` for each clip, with sounds and curves.
    """

    summary: dict[str, float]
    clips: list[ClipReport]


def evaluate_model(
    model: Autoencoder,
    manifest: Manifest,
    *,
    split: str = "validation",
    clip_seconds: float = 4.0,
    loss: MultiScaleSpectralLoss | None = None,
    on_progress: Callable[[int, str, int], None] | None = None,
) -> Evaluation:
    """Plays every clip of a dataset's split and compares it with the recording.

    Pitch and loudness of the render are measured by the extractor that made the dataset.

    Args:
        model: An `Autoencoder`.
        manifest: The dataset.
        split: "validation", "train", or "all".
        clip_seconds: Length of the clips, in seconds.
        loss: The spectral loss to report; the default one if None.
        on_progress: Called as `on_progress(clips done, name, clips in all)`.

    Returns:
        The evaluation.

    Raises:
        UserError: If the dataset has other rates than the model, or no clip in the split.
    """
    manifest.check_rates(model.sample_rate, model.frame_rate)
    loss = loss or MultiScaleSpectralLoss()
    extractor = FeatureExtractor.from_description(manifest.extractor)
    clip_frames = max(round(clip_seconds * model.frame_rate), 1)
    splits = [name for name in ("train", "validation") if manifest.has_split(name)]
    splits = splits if split == "all" else [split]
    batches = [
        clips(manifest, split=name, clip_frames=clip_frames, with_sources=True) for name in splits
    ]
    total = sum(int(dataset.cardinality()) for dataset in batches)
    reports = []
    for curves, audio, about in itertools.chain.from_iterable(batches):
        clip = {key: value.numpy()[0] for key, value in {**curves, "audio": audio, **about}.items()}
        reports.append(_measure(model, loss, extractor, clip, seed=len(reports)))
        if on_progress:
            on_progress(len(reports), reports[-1].name, total)
    names = list(reports[0].metrics)
    summary = {name: _mean([report.metrics[name] for report in reports]) for name in names}
    return Evaluation(summary, reports)


def _mean(values) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _measure(model, loss, extractor, clip, seed: int) -> ClipReport:
    frames = int(clip["valid_frames"])
    curves = {key: clip[key][None, :frames] for key in model.feature_names}
    target = clip["audio"][: frames * model.hop]
    curves["audio"] = target[None]
    stems = {key: audio[0] for key, audio in render_stems(model, curves, seed).items()}
    render = extractor.extract(stems["reconstruction"])
    terms = loss.terms(target[None], stems["reconstruction"][None])
    terms = {key: float(value[0]) for key, value in terms.items()}
    of_target = _asked_for(clip, extractor.extract(target), frames)
    # Frames in which the tracker hears no pitch in the render count as having none.
    heard = np.where(render["f0_confidence"] >= 0.5, render["f0_hz"], 0.0)
    pitch = (of_target["f0_hz"], heard, of_target["f0_confidence"])
    metrics = {
        "spectral_loss": sum(terms.values()),
        "magnitude": sum(v for key, v in terms.items() if key.startswith("magnitude")),
        "log_magnitude": sum(v for key, v in terms.items() if key.startswith("log")),
        "loudness_l1_db": loudness_l1_db(of_target["loudness_db"], render["loudness_db"]),
        "f0_l1_semitones": f0_l1_semitones(*pitch),
        "f0_outlier_share": f0_outlier_share(*pitch),
        "f0_within_50_cents": f0_accuracy(*pitch),
        **terms,
    }
    source = tf.compat.as_text(clip["source"])
    start = int(clip["start_frame"]) / model.frame_rate
    return ClipReport(
        name=f"{source} {start:.1f}-{start + frames / model.frame_rate:.1f} s",
        stems={"target": target, **stems},
        features={"target": of_target, "reconstruction": {k: render[k] for k in _CURVES}},
        metrics={key: float(value) for key, value in metrics.items()},
    )


def _asked_for(clip, cut, frames: int) -> dict[str, np.ndarray]:
    """What the render is compared with: curves of the dataset, judged as the render is.

    At the clip's ends a tracker has less to go by than in the whole recording, and loudness sees
    silence beyond: there the target has to be cut like the render.
    """
    confidence = np.minimum(clip["f0_confidence"][:frames], cut["f0_confidence"])
    return {
        "f0_hz": clip["f0_hz"][:frames],
        "f0_confidence": confidence,
        "loudness_db": cut["loudness_db"],
    }


def evaluate_run(
    run: RunDirectory,
    dataset: Path | None = None,
    *,
    split: str | None = None,
    clip_seconds: float = 4.0,
    report_clips: int = 12,
    on_progress: Callable[[int, str, int], None] | None = None,
) -> dict[str, float]:
    """Evaluates a run's best model; writes evaluation.json and report.html beside it.

    Args:
        run: The run directory.
        dataset: Dataset folder; None for the one the model was trained on.
        split: "validation", "train" or "all"; by default the validation split of the training
            dataset, or all of another dataset.
        clip_seconds: Length of the clips, in seconds.
        report_clips: Most clips shown in the report; the numbers are of all clips.
        on_progress: Called as `on_progress(clips done, name, clips in all)`.

    Returns:
        The summary: mean of every metric.

    Raises:
        UserError: If the run has no model, or the dataset is missing or does not fit.
    """
    record = run.read()
    model = load_model(run.path)
    if dataset is None:
        dataset, split = Path(record["dataset"]), split or "validation"
        if not dataset.is_dir():
            raise UserError(f"{dataset}: the run's dataset is gone; name one with --data")
    manifest = load_manifest(dataset)
    split = split or "all"
    result = evaluate_model(
        model, manifest, split=split, clip_seconds=clip_seconds, on_progress=on_progress
    )
    content = {
        "dataset": str(dataset),
        "dataset_fingerprint": manifest.fingerprint,
        "model_sha256": file_sha256(run.best_model),
        "split": split,
        "clip_seconds": clip_seconds,
        "clips": len(result.clips),
        "tracker": manifest.extractor,
        "summary": _json_numbers(result.summary),
        "per_clip": {clip.name: _json_numbers(clip.metrics) for clip in result.clips},
    }
    with atomic_path(run.evaluation) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    log = MetricsLog(run.metrics)
    curves = {name: log.column(name) for name in ("loss", "validation_loss")}
    write_report(
        run.report,
        title=f"{manifest.title}, played by the model of {record['recordings']}",
        sample_rate=model.sample_rate,
        frame_rate=model.frame_rate,
        summary={
            "clips": len(result.clips),
            **{name: v for name, v in result.summary.items() if not name[-1].isdigit()},
        },
        clips=result.clips[:report_clips],
        training_log={name: curve for name, curve in curves.items() if len(curve[0])} or None,
        configuration=run.configuration.read_text(),
    )
    return result.summary


def _json_numbers(values: dict[str, float]) -> dict[str, float | None]:
    return {key: value if np.isfinite(value) else None for key, value in values.items()}
