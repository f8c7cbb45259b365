"""Pictures of a dataset, as PNG bytes; in the style of `ddsp_tf.evaluation.figures`."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ddsp_tf.evaluation.figures import PANEL, RANGE_DB, spectrogram_levels_db
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

_INK, _GRID, _PITCH, _LEVEL = "#c5cad4", "#30343d", "#56c2ff", "#f5b642"
_DOTS_PER_INCH = 130
_WIDTH_INCHES = 10.0
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_PARTIALS_SHOWN = 6
_TICKS_HZ = (50, 100, 200, 400, 800, 1600, 3200, 6400, 12800)


def histograms_png(histograms: dict[str, dict], frame_rate: float) -> bytes:
    """Draws how long each note and each loudness sounds.

    Args:
        histograms: "f0_midi" and "loudness_db" of `Manifest.statistics["histograms"]`.
        frame_rate: Frames a second.

    Returns:
        A PNG file.

    Example:
        >>> one = {"first": 60, "counts": [250, 500]}
        >>> histograms_png({"f0_midi": one, "loudness_db": one}, 250)[1:4]
        b'PNG'
    """
    figure = _figure(2.6)
    pitch, loudness = figure.subplots(1, 2, sharey=False)
    notes = _bars(pitch, histograms["f0_midi"], frame_rate, _PITCH)
    step = next(step for step in (1, 2, 4, 6, 12, 24) if notes.size / step <= 12 or step == 24)
    ticks = notes[(notes - notes[0]) % step == 0]
    pitch.set_xticks(ticks, [f"{_NOTES[tick % 12]}{tick // 12 - 1}" for tick in ticks])
    _title(pitch, "Pitch: seconds on each semitone")
    _bars(loudness, histograms["loudness_db"], frame_rate, _LEVEL)
    loudness.xaxis.set_major_formatter("{x:g} dB")
    _title(loudness, "Loudness, A-weighted: seconds at each dB")
    return _png(figure)


def pitch_over_spectrogram_png(
    features: dict[str, np.ndarray], sample_rate: int, frame_rate: float, start_seconds: float
) -> bytes:
    """Draws the pitch that was found over the spectrogram it was found in.

    Args:
        features: `audio` [frames * hop], `f0_hz` and `f0_confidence` [frames].
        sample_rate: In Hz.
        frame_rate: Frames a second.
        start_seconds: Time of the first frame in the recording.

    Returns:
        A PNG file.

    Example:
        >>> curves = {"audio": np.zeros(16000), "f0_hz": np.full(250, 440.0),
        ...           "f0_confidence": np.ones(250)}
        >>> pitch_over_spectrogram_png(curves, 16000, 250, 0.0)[1:4]
        b'PNG'
    """
    f0_hz = np.where(features["f0_hz"] > 0, features["f0_hz"], np.nan).astype(np.float64)
    sure = features["f0_confidence"] >= VOICED_CONFIDENCE
    nyquist = sample_rate / 2
    levels = spectrogram_levels_db(features["audio"], sample_rate)
    top_db = max(float(levels.max()), -100.0)
    end_seconds = start_seconds + f0_hz.size / frame_rate
    figure = _figure(2.3)
    axes = figure.subplots()
    axes.imshow(
        levels,
        cmap="magma",
        vmin=top_db - RANGE_DB,
        vmax=top_db,
        extent=(start_seconds, end_seconds, 0.0, _mel(nyquist)),
        origin="lower",
        aspect="auto",
    )
    times = start_seconds + np.arange(f0_hz.size) / frame_rate
    for values, width, alpha, label in (
        (f0_hz, 0.7, 0.6, None),
        (np.where(sure, f0_hz, np.nan), 2.2, 1.0, "pitch found (thin: unsure)"),
    ):
        axes.plot(times, _mel(values), color=_PITCH, linewidth=width, alpha=alpha, label=label)
    highest = np.nanmax(f0_hz[sure], initial=nyquist / _PARTIALS_SHOWN / 2)
    top = min(_PARTIALS_SHOWN * highest, nyquist)
    ticks = [hz for hz in _TICKS_HZ if hz <= top and _mel(2 * hz) - _mel(hz) > 0.08 * _mel(top)]
    axes.set_yticks([_mel(hz) for hz in ticks], [f"{hz} Hz" for hz in ticks])
    axes.set_ylim(0.0, _mel(top))
    axes.set_xlim(start_seconds, end_seconds)
    axes.xaxis.set_major_formatter("{x:g} s")
    axes.legend(fontsize=9, labelcolor=_INK, facecolor=PANEL, edgecolor=_GRID, loc="upper right")
    _dress(axes, grid=False)
    return _png(figure)


def _mel(hz):
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def _figure(height_inches: float) -> Figure:
    size = (_WIDTH_INCHES, height_inches)
    return Figure(size, dpi=_DOTS_PER_INCH, facecolor=PANEL, layout="constrained")


def _bars(axes: Axes, histogram: dict, frame_rate: float, colour: str) -> np.ndarray:
    counts = np.array(histogram["counts"])
    places = histogram["first"] + np.arange(counts.size)
    axes.bar(places, counts / frame_rate, width=0.85, color=colour)
    axes.yaxis.set_major_formatter("{x:g} s")
    axes.set_xlim(places[0] - 0.8, places[-1] + 0.8)
    _dress(axes)
    axes.grid(visible=False, axis="x")
    return places


def _dress(axes: Axes, grid: bool = True) -> None:
    axes.set_facecolor(PANEL)
    axes.tick_params(colors=_INK, labelsize=9, length=3)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color=_GRID, linewidth=0.7)
    for spine in axes.spines.values():
        spine.set_color(_GRID)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=10, color=_INK)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()
