"""`report.html`: a page to hear and see how close a model comes to the recordings."""

import io
import math
import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ddsp_tf.app.pages.templates import data_uri, png_uri, write_page
from ddsp_tf.errors import UserError
from ddsp_tf.evaluation import figures, style
from ddsp_tf.evaluation.charts import loss_curves_png
from ddsp_tf.evaluation.clip_measures import MeasuredClip
from ddsp_tf.evaluation.evaluator import RunEvaluation
from ddsp_tf.evaluation.wording import wording
from ddsp_tf.files.locks import locked
from ddsp_tf.files.metrics_log import MetricsLog
from ddsp_tf.files.run_directory import RunDirectory

_STEM_DESCRIPTIONS = {
    "target": "the recording",
    "reconstruction": "the model, playing the pitch and loudness of the recording",
    "harmonic": "only the harmonics of the model",
    "noise": "only the noise of the model: breath, bow, hammer",
    "dry": "the model without its reverb",
}


def write_report(run: RunDirectory, evaluation: RunEvaluation) -> Path:
    """Writes the page of a run's evaluation, report.html.

    Args:
        run: Run that was evaluated.
        evaluation: Result of `evaluate_run`.

    Returns:
        Path of the page.

    Raises:
        UserError: If the page cannot be written, or another process works in the run's folder.
    """
    record = evaluation.record
    extractor = record.datasets[0].extractor
    trained = run.trained_run()
    facts = {
        "clips": record.described_clips,
        "data": ", ".join(dict.fromkeys(dataset.title for dataset in record.datasets)),
    }
    # Terms for single window sizes, whose names end with a number, are on the cards of the clips.
    totals = {name: value for name, value in record.summary.items() if not name[-1].isdigit()}
    selection = ""
    if len(evaluation.shown) < record.clips:
        selection = (
            f"These are {len(evaluation.shown)} of {record.clips} clips, from the lowest to the "
            "highest spectral loss. The summary is of all clips."
        )
    with locked(run.path, "evaluation"):
        write_report_page(
            run.report,
            title=f"Evaluation: model of {run.read()['recordings']}",
            sample_rate=extractor["sample_rate"],
            frame_rate=extractor["frame_rate"],
            summary={**facts, **totals},
            clips=evaluation.shown,
            training_log=_training_log(trained),
            configuration=_configuration(trained),
            notes=record.notes,
            selection=selection,
        )
    return run.report


def _configuration(run: RunDirectory) -> str:
    return run.configuration.read_text(encoding="utf-8") if run.configuration.is_file() else ""


def _training_log(run: RunDirectory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if not run.metrics.is_file():
        return {}
    log = MetricsLog(run.metrics)
    try:
        return {name: log.column(name) for name in ("loss", "validation_loss")}
    except UserError:
        return {}  # The page is useful without the curves.


def write_report_page(
    path: str | os.PathLike,
    *,
    title: str,
    sample_rate: int,
    frame_rate: float,
    summary: Mapping[str, float | str],
    clips: Sequence[MeasuredClip],
    training_log: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    configuration: str = "",
    notes: Sequence[str] = (),
    selection: str = "",
) -> None:
    """Writes a self-contained HTML page that plays and compares the stems of every clip.

    Sounds are embedded as 16-bit FLAC. All stems of a clip are attenuated if one exceeds full
    scale, and samples that are not finite are muted; the page mentions both.

    Args:
        path: HTML file to write.
        title: Heading of the page.
        sample_rate: Samples per second of all stems.
        frame_rate: Frames per second of all features.
        summary: Measures over all clips, and facts as text, by name. Measures with these names
            become columns of the table of clips, and other measures are on the clip's card. If
            there are no such names, all measures become columns.
        clips: Clips to show, at least one.
        training_log: Dictionary from the name of each quantity to its steps and values, each
            [points]; None for no curves. "val_loss" or "validation_loss" is drawn over "loss".
        configuration: Text to show unchanged.
        notes: Sentences to show above the numbers.
        selection: Sentence on how the clips were chosen.

    Raises:
        ValueError: If there is no clip, or a clip has no stem or an empty one.
        UserError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> page = Path(tempfile.mkdtemp(), "report.html")
        >>> curves = {"f0_hz": [440.0], "f0_confidence": [1.0], "loudness_db": [-20.0]}
        >>> clip = MeasuredClip("a.wav", {"target": np.zeros(64)}, {"target": curves}, {})
        >>> write_report_page(page, title="My violin", sample_rate=16000, frame_rate=250,
        ...                   summary={}, clips=[clip])
        >>> page.exists()
        True
    """
    if not clips:
        raise ValueError("a report needs at least one clip; got none")
    measured = list(dict.fromkeys(name for clip in clips for name in clip.metrics))
    columns = [name for name in measured if name in summary] or measured
    curves = loss_curves_png(training_log) if training_log else None
    stems = dict.fromkeys(name for clip in clips for name in clip.stems)
    write_page(
        Path(path),
        "report.html.j2",
        title=title,
        stems=[(name, _STEM_DESCRIPTIONS.get(name, "")) for name in stems],
        summary=[_described(name, value) for name, value in summary.items()],
        columns=[wording(name) for name in columns],
        clips=[_clip_view(clip, columns, sample_rate, frame_rate) for clip in clips],
        loss_curves=curves and png_uri(curves),
        configuration=configuration,
        notes=notes,
        selection=selection,
        axes_left=style.AXES_LEFT,
        axes_width=style.AXES_RIGHT - style.AXES_LEFT,
        range_db=figures.RANGE_DB,
    )


def _clip_view(
    clip: MeasuredClip, columns: list[str], sample_rate: int, frame_rate: float
) -> dict[str, Any]:
    """Returns the values that the template shows for a clip, as text and data URIs."""
    stems, notes = _playable(clip)
    duration = max(len(audio) for audio in stems.values()) / sample_rate
    tops = [figures.spectrogram_levels_db(audio, sample_rate).max() for audio in stems.values()]
    top_db = max(-100.0, *tops)
    pictures = figures.spectrogram_pngs(
        stems.values(), sample_rate, top_db=top_db, duration=duration
    )
    curves = clip.features and figures.feature_curves_png(
        clip.features, frame_rate, duration=duration
    )
    return {
        "name": clip.name,
        "rank": clip.rank,
        "duration": duration,
        "notes": notes,
        "stems": [
            {
                "name": name,
                "sound": data_uri("audio/flac", _flac(audio, sample_rate)),
                "picture": png_uri(picture),
            }
            for (name, audio), picture in zip(stems.items(), pictures, strict=True)
        ],
        "curves": curves and png_uri(curves),
        "metrics": [_described(name, clip.metrics.get(name)) for name in columns],
        "more": [_described(name, v) for name, v in clip.metrics.items() if name not in columns],
    }


def _playable(clip: MeasuredClip) -> tuple[dict[str, np.ndarray], list[str]]:
    """Returns finite stems within full scale, and sentences about the changes."""
    stems, notes = {}, []
    for name, audio in clip.stems.items():
        audio = np.asarray(audio, np.float64)
        if audio.ndim != 1 or not audio.size:
            raise ValueError(f"{clip.name}: stem {name} has shape {audio.shape}, not [samples]")
        bad = int(np.count_nonzero(~np.isfinite(audio)))
        if bad:
            notes.append(f"{bad} samples of {name} are not finite numbers; they are muted here.")
        stems[name] = np.where(np.isfinite(audio), audio, 0.0)
    if not stems:
        raise ValueError(f"{clip.name}: no stems; expected at least one")
    peak = max(float(np.abs(audio).max()) for audio in stems.values())
    if peak > 1.0:
        loudest = max(stems, key=lambda name: np.abs(stems[name]).max())
        stems = {name: audio / peak for name, audio in stems.items()}
        notes.append(
            f"The stem {loudest} is {20.0 * math.log10(peak):.1f} dB above full scale; all stems "
            "of this clip are attenuated by that much."
        )
    return stems, notes


def _flac(audio: np.ndarray, sample_rate: int) -> bytes:
    # Integers, because the library scales floating-point samples in its own way (by 32767).
    samples = np.clip(np.round(audio * 32768.0), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _described(name: str, value: float | str | None) -> dict[str, Any]:
    """Returns a value as text, with the number to sort by, or the reason for its absence."""
    metric = wording(name)
    view: dict[str, Any] = {
        "label": metric.label,
        "unit": metric.unit,
        "good": metric.good,
        "fact": isinstance(value, str),
        "sort": "",
    }
    if isinstance(value, str | Integral):
        return {**view, "text": str(value), "sort": value}
    if value is None or not math.isfinite(value):
        reasons = {None: "not measured", math.inf: "infinite", -math.inf: "infinite"}
        return {**view, "missing": reasons.get(value, "not a number: nothing to measure here")}
    return {**view, "text": metric.number(value), "sort": float(value)}
