"""Measures how close a trained model comes to recordings, in several respects."""

import dataclasses
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from threadpoolctl import threadpool_limits

from ddsp_tf.backend.placement import processors
from ddsp_tf.data.manifest import Manifest, as_manifest
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.clip_measures import ClipJudge, MeasuredClip
from ddsp_tf.evaluation.clip_reading import Clip, count_clips, read_clips
from ddsp_tf.evaluation.held_out import Part, choose_parts
from ddsp_tf.evaluation.record import (
    EvaluatedClip,
    EvaluatedDataset,
    Evaluation,
    write_evaluation,
)
from ddsp_tf.features.extraction_processes import extraction_processes
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.checksum import file_sha256
from ddsp_tf.files.locks import locked
from ddsp_tf.files.names import printable
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.models import Autoencoder

Progress = Callable[[int, int, str], None]

_MOST_THREADS = 16
# Extracting the features of a minute takes as long as starting a process.
_SECONDS_PER_PROCESS = 60.0
# Sounds up to this length, in samples, are kept until the clips to show are chosen.
_KEPT_SAMPLES = 1 << 21
# Clips are rendered whole, several at a time.
_CLIP_SECONDS = (0.1, 60.0)


@dataclasses.dataclass
class ModelEvaluation:
    """Result of `evaluate_model`.

    Attributes:
        summary: Mean of every measure over the clips that have it.
        per_clip: Measures of every clip.
        shown: Some of the clips with sounds and curves: in even steps from the best to the worst
            spectral loss, sorted by time.
    """

    summary: dict[str, float]
    per_clip: list[EvaluatedClip]
    shown: list[MeasuredClip]


@dataclasses.dataclass
class RunEvaluation:
    """Result of `evaluate_run`.

    Attributes:
        record: Content of evaluation.json.
        shown: Some of the clips; see `ModelEvaluation.shown`.
    """

    record: Evaluation
    shown: list[MeasuredClip]


def evaluate_model(
    model: Autoencoder,
    dataset: Manifest | str | os.PathLike,
    *,
    split: str = "validation",
    clip_seconds: float = 4.0,
    loss: MultiScaleSpectralLoss | None = None,
    shown_clips: int = 12,
    on_progress: Progress | None = None,
) -> ModelEvaluation:
    """Renders every clip of a dataset's split and compares it with the recording.

    The extractor of the dataset measures pitch and loudness of the render. Memory does not grow
    with the number of clips.

    Args:
        model: Model to evaluate.
        dataset: Manifest or folder of a dataset.
        split: Split to evaluate on: "validation", "train", or "all".
        clip_seconds: Length of the clips in seconds, 0.1 to 60.
        loss: Spectral loss to report; by default `MultiScaleSpectralLoss()`.
        shown_clips: Number of clips to return with their sounds.
        on_progress: Function called as `on_progress(clips done, clips in total, name)`.

    Returns:
        Measures, and some of the clips.

    Raises:
        UserError: If the dataset differs from the model in its rates or has no clip in the split,
            or clip_seconds is out of range.

    Example:
        >>> evaluation = evaluate_model(model, "my_dataset")  # doctest: +SKIP
        >>> evaluation.summary["spectral_loss"]  # doctest: +SKIP
        4.8
    """
    part = Part(as_manifest(dataset), split, "")
    return _evaluate(model, [part], clip_seconds, loss, shown_clips, on_progress)


def evaluate_run(
    run: RunDirectory,
    data: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    *,
    split: str | None = None,
    clip_seconds: float = 4.0,
    shown_clips: int = 12,
    on_progress: Progress | None = None,
) -> RunEvaluation:
    """Evaluates a run's best model and writes evaluation.json; removes an earlier report.html.

    Args:
        run: Run to evaluate.
        data: Dataset folder, or several; by default all that the model was trained on.
        split: Split to evaluate on: "validation", "train" or "all"; by default "validation" of
            datasets that the model was trained on ("train" if nothing was held out), and "all" of
            others.
        clip_seconds: Length of the clips in seconds, 0.1 to 60.
        shown_clips: Number of clips to return with their sounds.
        on_progress: Function called as `on_progress(clips done, clips in total, name)`.

    Returns:
        Content of evaluation.json, and some of the clips.

    Raises:
        UserError: If the run has no model, a dataset is missing or does not fit, clip_seconds is
            out of range, or another process works in the run's folder.

    Example:
        >>> result = evaluate_run(RunDirectory("my_run"))  # doctest: +SKIP
        >>> result.record.described_clips  # doctest: +SKIP
        '12 held-out clips'
    """
    with locked(run.path, "evaluation"):
        folders = [data] if isinstance(data, (str, os.PathLike)) else list(data or ())
        parts, notes = choose_parts(run, folders, split)
        model = load_model(run.path)
        model_sha256 = file_sha256(run.model_source()[0])
        result = _evaluate(model, parts, clip_seconds, None, shown_clips, on_progress)
        counts = [0] * len(parts)
        for clip in result.per_clip:
            counts[clip.dataset] += 1
        record = Evaluation(
            model_sha256=model_sha256,
            datasets=[_described(part, count) for part, count in zip(parts, counts, strict=True)],
            clip_seconds=clip_seconds,
            clips=len(result.per_clip),
            notes=notes,
            summary=result.summary,
            per_clip=result.per_clip,
        )
        # The page of an earlier evaluation would contradict the new numbers.
        run.report.unlink(missing_ok=True)
        write_evaluation(run, record)
    return RunEvaluation(record, result.shown)


def _described(part: Part, clips: int) -> EvaluatedDataset:
    return EvaluatedDataset(
        path=printable(part.manifest.folder),
        title=printable(part.manifest.title),
        fingerprint=part.manifest.fingerprint,
        split=part.split,
        relation=part.relation,
        clips=clips,
        extractor=part.manifest.extractor,
    )


def _evaluate(
    model: Autoencoder,
    parts: Sequence[Part],
    clip_seconds: float,
    loss: MultiScaleSpectralLoss | None,
    shown_clips: int,
    on_progress: Progress | None,
) -> ModelEvaluation:
    for part in parts:
        part.manifest.check_rates(model.sample_rate, model.frame_rate)
    least, most = _CLIP_SECONDS
    if not least <= clip_seconds <= most:
        raise UserError(f"clip_seconds is {clip_seconds:g}; expected {least:g} to {most:g}")
    loss = loss or MultiScaleSpectralLoss()
    extractors = [FeatureExtractor.from_description(part.manifest.extractor) for part in parts]
    clip_frames = max(round(clip_seconds * model.frame_rate), 1)
    total = count_clips(parts, clip_frames)
    longest = int(total * clip_seconds / _SECONDS_PER_PROCESS)
    with extraction_processes(min(processors(), _MOST_THREADS, longest)) as extract:
        judges = [ClipJudge(model, loss, extractor, extract) for extractor in extractors]
        return _judged(judges, parts, clip_frames, total, shown_clips, on_progress)


def _judged(
    judges: Sequence[ClipJudge],
    parts: Sequence[Part],
    clip_frames: int,
    total: int,
    shown_clips: int,
    on_progress: Progress | None,
) -> ModelEvaluation:
    def measure(clip: Clip) -> MeasuredClip:
        return judges[clip.part].measure(clip.name, clip.features, clip.audio, seed=clip.number)

    per_clip: list[EvaluatedClip] = []
    kept: dict[int, MeasuredClip] = {}
    most_kept = _KEPT_SAMPLES // (clip_frames * judges[0].model.hop)
    for measured, clip in _in_threads(measure, read_clips(parts, clip_frames)):
        per_clip.append(EvaluatedClip(clip.name, clip.part, measured.metrics))
        if len(kept) < most_kept:
            kept[clip.number] = measured
        if on_progress:
            on_progress(len(per_clip), total, clip.name)
    losses = [clip.metrics["spectral_loss"] for clip in per_clip]
    ranks = chosen_clips(losses, shown_clips)
    if not ranks.keys() <= kept.keys():
        # Rendered again, because the sounds of all clips would fill the memory.
        again = ranks.keys() - kept.keys()
        chosen = (clip for clip in read_clips(parts, clip_frames) if clip.number in again)
        kept.update({clip.number: measured for measured, clip in _in_threads(measure, chosen)})
    for number, rank in ranks.items():
        kept[number].rank = rank
    shown = [kept[number] for number in sorted(ranks)]
    names = per_clip[0].metrics
    summary = {name: _mean([clip.metrics[name] for clip in per_clip]) for name in names}
    return ModelEvaluation(summary, per_clip, shown)


def _in_threads(
    measure: Callable[[Clip], MeasuredClip], clips: Iterable[Clip]
) -> Iterator[tuple[MeasuredClip, Clip]]:
    """Measures several clips at a time, in order.

    The first clip is measured alone: in it, TensorFlow optimizes graphs, which every thread that
    called them at the same time would do again.
    """
    waiting: deque[tuple[Future, Clip]] = deque()
    threads = min(processors(), _MOST_THREADS)
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as executor:
        try:
            for clip in clips:
                waiting.append((executor.submit(measure, clip), clip))
                if clip.number == 0:
                    wait([waiting[0][0]])
                if len(waiting) > threads:
                    future, first = waiting.popleft()
                    yield future.result(), first
            for future, clip in waiting:
                yield future.result(), clip
        finally:
            executor.shutdown(cancel_futures=True)


def chosen_clips(losses: Sequence[float], count: int) -> dict[int, str]:
    """Chooses clips in even steps from the best to the worst.

    Args:
        losses: Spectral loss of every clip; NaN counts as the worst.
        count: Number of clips to choose, 1 or more.

    Returns:
        Dictionary from the index of each chosen clip to "best", "median" or "worst", or "" for
        those between.

    Example:
        >>> chosen_clips([5.0, 3.0, 4.0], count=3)
        {1: 'best', 2: 'median', 0: 'worst'}
    """
    order = np.argsort(losses, kind="stable")
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    if len(places) > 2:
        places[len(places) // 2] = len(order) // 2
    remarks = {len(order) // 2: "median", len(order) - 1: "worst", 0: "best"}
    several = len(order) > 2
    return {int(order[k]): remarks.get(int(k), "") if several else "" for k in places}


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")
