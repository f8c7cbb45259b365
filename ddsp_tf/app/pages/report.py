"""One HTML file to hear and see how close a model comes: sounds, pictures and numbers."""

import base64
import dataclasses
import io
import math
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from numbers import Integral
from typing import Any

import jinja2
import numpy as np
import soundfile

from ddsp_tf.evaluation import figures
from ddsp_tf.evaluation.wording import wording
from ddsp_tf.files.atomic import atomic_path

_STEM_DESCRIPTIONS = {
    "target": "the recording",
    "reconstruction": "the model, playing the recording's pitch and loudness",
    "harmonic": "the model's overtones alone",
    "noise": "the model's breath, bow or hammer noise alone",
    "dry": "the model without its room",
}


@dataclasses.dataclass
class ClipReport:
    """What the report shows of one clip.

    Attributes:
        name: Names the recording and the time in it, say "violin.flac 0.0-4.0 s".
        stems: Sounds by name, in the order of their buttons: "target", "reconstruction",
            "harmonic", "noise", "dry"; each [samples] float32, full scale 1.
        features: "target" and "reconstruction" to `f0_hz`, `f0_confidence`, `loudness_db`,
            each [frames].
        metrics: Measures of this clip by name; NaN where there was nothing to measure.
    """

    name: str
    stems: dict[str, np.ndarray]
    features: dict[str, dict[str, np.ndarray]]
    metrics: dict[str, float]


def write_report(
    path: str | os.PathLike,
    *,
    title: str,
    sample_rate: int,
    frame_rate: float,
    summary: Mapping[str, float | str],
    clips: Sequence[ClipReport],
    training_log: Mapping[str, tuple[np.ndarray, np.ndarray]] | None,
    configuration: str,
) -> None:
    """Writes a self-contained HTML page that plays and compares the stems of every clip.

    Sounds are embedded as 16-bit FLAC. A clip with a stem beyond full scale is turned down as a
    whole, and samples that are not finite are muted; the page says so where it happened.

    Args:
        path: The HTML file.
        title: Heading of the page.
        sample_rate: Of all stems, in Hz.
        frame_rate: Of all features, in Hz.
        summary: Measures over all clips, and facts as text, by name. Measures of clips that
            have a place here are columns of the table of clips; others are folded into the
            clip's card. (If none has, all are columns.)
        clips: At least one.
        training_log: Names to (steps, values), each [points]; None for no curves. "val_loss" or
            "validation_loss" is drawn over "loss".
        configuration: Text shown as it is.

    Raises:
        ValueError: If there is no clip, or a clip has no stem or an empty one.
        UserError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> page = os.path.join(tempfile.mkdtemp(), "report.html")
        >>> curves = {"f0_hz": [440.0], "f0_confidence": [1.0], "loudness_db": [-20.0]}
        >>> clip = ClipReport("a.wav", {"target": np.zeros(64)}, {"target": curves}, {})
        >>> write_report(page, title="My violin", sample_rate=16000, frame_rate=250, summary={},
        ...              clips=[clip], training_log=None, configuration="")
        >>> os.path.exists(page)
        True
    """
    if not clips:
        raise ValueError("a report needs at least one clip; got none")
    measured = list(dict.fromkeys(name for clip in clips for name in clip.metrics))
    columns = [name for name in measured if name in summary] or measured
    curves = figures.loss_curves_png(training_log) if training_log else None
    page = _template().render(
        title=title,
        stems=_described_stems(clips),
        summary=[_described(name, value) for name, value in summary.items()],
        columns=[wording(name) for name in columns],
        clips=[_clip_view(clip, columns, sample_rate, frame_rate) for clip in clips],
        loss_curves=curves and _data_uri("image/png", curves),
        configuration=configuration,
        axes_left=figures.AXES_LEFT,
        axes_width=figures.AXES_RIGHT - figures.AXES_LEFT,
        panel=figures.PANEL,
        range_db=figures.RANGE_DB,
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _template() -> jinja2.Template:
    folder = resources.files("ddsp_tf.app.pages")
    loader = jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8"))
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _clip_view(
    clip: ClipReport, columns: list[str], sample_rate: int, frame_rate: float
) -> dict[str, Any]:
    """What the template needs of a clip, as text and data URIs."""
    stems, notes = _playable(clip)
    duration = max(len(audio) for audio in stems.values()) / sample_rate
    tops = [figures.spectrogram_levels_db(audio, sample_rate).max() for audio in stems.values()]
    top_db = max(-100.0, *tops)
    curves = clip.features and figures.feature_curves_png(
        clip.features, frame_rate, duration=duration
    )
    return {
        "name": clip.name,
        "duration": duration,
        "notes": notes,
        "stems": [
            {
                "name": name,
                "sound": _data_uri("audio/flac", _flac(audio, sample_rate)),
                "picture": _data_uri(
                    "image/png",
                    figures.spectrogram_png(audio, sample_rate, top_db=top_db, duration=duration),
                ),
            }
            for name, audio in stems.items()
        ],
        "curves": curves and _data_uri("image/png", curves),
        "metrics": [_described(name, clip.metrics.get(name)) for name in columns],
        "more": [_described(name, v) for name, v in clip.metrics.items() if name not in columns],
    }


def _playable(clip: ClipReport) -> tuple[dict[str, np.ndarray], list[str]]:
    """Finite stems within full scale, and sentences on what was changed."""
    stems, notes = {}, []
    for name, audio in clip.stems.items():
        audio = np.asarray(audio, np.float64)
        if audio.ndim != 1 or not audio.size:
            raise ValueError(f"{clip.name}: stem {name} has shape {audio.shape}, not [samples]")
        bad = int(np.count_nonzero(~np.isfinite(audio)))
        if bad:
            notes.append(f"{bad} samples of {name} are not finite numbers; they are silent here.")
        stems[name] = np.where(np.isfinite(audio), audio, 0.0)
    if not stems:
        raise ValueError(f"{clip.name}: no stems; expected at least one")
    peak = max(float(np.abs(audio).max()) for audio in stems.values())
    if peak > 1.0:
        loudest = max(stems, key=lambda name: np.abs(stems[name]).max())
        stems = {name: audio / peak for name, audio in stems.items()}
        down = 20.0 * math.log10(peak)
        notes.append(
            f"The {loudest} is {down:.1f} dB beyond full scale; all stems of this clip are turned "
            "down by that much."
        )
    return stems, notes


def _flac(audio: np.ndarray, sample_rate: int) -> bytes:
    # Integers, because the scale of a float conversion is the library's own (32767).
    samples = np.clip(np.round(audio * 32768.0), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _described_stems(clips: Sequence[ClipReport]) -> list[tuple[str, str]]:
    names = dict.fromkeys(name for clip in clips for name in clip.stems)
    return [(name, _STEM_DESCRIPTIONS.get(name, "")) for name in names]


def _described(name: str, value: float | str | None) -> dict[str, Any]:
    """A value as text, with the number to sort by, or the reason why there is none."""
    metric = wording(name)
    view: dict[str, Any] = {
        "label": metric.label,
        "unit": metric.unit,
        "good": metric.good,
        "sort": "",
    }
    view["fact"] = isinstance(value, str)
    if isinstance(value, str | Integral):
        return {**view, "text": str(value), "sort": value}
    if value is None or not math.isfinite(value):
        reasons = {None: "not measured", math.inf: "infinite", -math.inf: "infinite"}
        return {**view, "missing": reasons.get(value, "not a number: nothing to measure here")}
    return {**view, "text": metric.number(value), "sort": float(value)}
