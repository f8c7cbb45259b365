"""Pictures of sound, features and training, as PNG bytes.

All pictures stand on the same dark panel, so that they read alike on light and dark pages, and
their time axes start and end at the same fractions of the width (`AXES_LEFT`, `AXES_RIGHT`), so
that stacked pictures of equal duration line up and a page can draw a playhead across them.
"""

import io
from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

AXES_LEFT = 0.065
AXES_RIGHT = 0.985
PANEL = "#14161b"
RANGE_DB = 80.0

_STROKES = (("#f5b642", 3.2), ("#56c2ff", 1.4))
_INK = "#c5cad4"
_GRID = "#30343d"
_WIDTH_INCHES = 10.0
_DOTS_PER_INCH = 130
_ROWS = 96
_COLUMNS = 600
_NOTES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def spectrogram_levels_db(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Levels of a sound over time and mel-spaced frequency.

    Args:
        audio: Samples [samples], float.
        sample_rate: In Hz.

    Returns:
        Levels [rows, columns] in dB, from 0 Hz to the Nyquist frequency upwards: the mean power
        of each row's band, where a sine of amplitude 1 has 0 dB in its own bin; silence has
        -200 dB.

    Example:
        >>> spectrogram_levels_db(np.zeros(16000), 16000).max().item()
        -200.0
    """
    window_size = 2 ** round(np.log2(0.064 * sample_rate))
    window = np.hanning(window_size + 1)[:-1]
    hop = max(window_size // 16, -(-len(audio) // _COLUMNS))
    padded = np.pad(np.asarray(audio, np.float64), window_size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window_size)[::hop]
    power = np.abs(np.fft.rfft(frames * window) / (0.5 * window.sum())) ** 2
    rows = _mel_weights(window_size // 2 + 1, sample_rate) @ power.T
    return 10.0 * np.log10(np.maximum(rows, 1e-20))


def spectrogram_png(
    audio: np.ndarray,
    sample_rate: int,
    *,
    top_db: float | None = None,
    duration: float | None = None,
) -> bytes:
    """Draws a spectrogram, 80 dB deep, on a mel-spaced frequency axis.

    Args:
        audio: Samples [samples], float, finite.
        sample_rate: In Hz.
        top_db: Level of the brightest colour; give the stems of one clip the same. The
            default is the loudest level of `audio`.
        duration: Seconds that the time axis spans; the default is the length of `audio`.

    Returns:
        A PNG file.

    Example:
        >>> spectrogram_png(np.zeros(16000), 16000)[1:4]
        b'PNG'
    """
    levels = spectrogram_levels_db(audio, sample_rate)
    if top_db is None:
        top_db = max(float(levels.max()), -100.0)
    seconds = len(audio) / sample_rate
    figure, (axes,) = _timeline([1.15], duration or seconds)
    axes.set_facecolor("black")
    axes.grid(visible=False)
    axes.imshow(
        levels,
        cmap="magma",
        vmin=top_db - RANGE_DB,
        vmax=top_db,
        extent=(0.0, seconds, 0.0, 1.0),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_xlim(0.0, duration or seconds)
    nyquist = sample_rate / 2.0
    ticks = [hz for hz in (500, 1000, 2000, 4000, 8000, 16000, 32000) if hz <= nyquist]
    axes.set_yticks(
        [_hz_to_mel(hz) / _hz_to_mel(nyquist) for hz in ticks],
        [f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz" for hz in ticks],
    )
    return _png(figure, colours=128)


def feature_curves_png(
    features: Mapping[str, Mapping[str, np.ndarray]],
    frame_rate: float,
    *,
    duration: float | None = None,
    threshold: float = 0.8,
) -> bytes:
    """Draws pitch, on an axis of notes, and loudness of several sounds over each other.

    Pitch is broken where there is none and faint where the tracker was unsure of it.

    Args:
        features: Name of each sound (say "target", "reconstruction") to its features
            `f0_hz`, `f0_confidence` (0..1) and `loudness_db`, each [frames].
        frame_rate: Frames per second.
        duration: Seconds that the time axis spans; the default is the longest feature.
        threshold: Confidence up to which pitch is drawn faintly; default 0.8.

    Returns:
        A PNG file.

    Example:
        >>> curves = {"f0_hz": [440.0], "f0_confidence": [1.0], "loudness_db": [-20.0]}
        >>> feature_curves_png({"target": curves}, 250)[1:4]
        b'PNG'
    """
    frames = max(len(curve) for curves in features.values() for curve in curves.values())
    figure, (pitch, loudness) = _timeline(
        [1.3, 1.0], duration or frames / frame_rate, head=0.27, foot=0.27
    )
    sure_notes, levels = [], []
    # Each line is thinner than the one beneath it, so that equal curves are both seen.
    for (name, curves), (colour, width) in zip(features.items(), cycle(_STROKES), strict=False):
        notes = _midi(curves["f0_hz"])
        sure = np.where(np.asarray(curves["f0_confidence"]) > threshold, notes, np.nan)
        level = np.asarray(curves["loudness_db"], np.float64)
        times = np.arange(len(notes)) / frame_rate
        pitch.plot(times, notes, color=colour, linewidth=0.4 * width, alpha=0.5)
        pitch.plot(times, sure, color=colour, linewidth=width, label=name)
        loudness.plot(np.arange(len(level)) / frame_rate, level, color=colour, linewidth=width)
        sure_notes.append(sure)
        levels.append(level)
    _note_axis(pitch, np.concatenate(sure_notes))
    _level_axis(loudness, np.concatenate(levels))
    _title(pitch, "Pitch (thin: the tracker was unsure)")
    _title(loudness, "Loudness, A-weighted")
    _legend(pitch, loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=len(features))
    loudness.tick_params(labelbottom=True)
    loudness.xaxis.set_major_formatter("{x:g} s")
    return _png(figure)


def loss_curves_png(training_log: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes | None:
    """Draws the columns of a training log, `val_loss` over `loss` and so on.

    Args:
        training_log: Name of each quantity to its steps and values, each [points]; points that
            are not finite are left out.

    Returns:
        A PNG file, or None if there is no finite point.

    Example:
        >>> loss_curves_png({"loss": ([1, 2, 3], [9.0, 7.0, 6.0])})[1:4]
        b'PNG'
    """
    panels: dict[str, dict[str, np.ndarray]] = {}
    for name, (steps, values) in training_log.items():
        points = np.array([steps, values], np.float64)
        points = points[:, np.isfinite(points).all(axis=0)]
        if points.size:
            panels.setdefault(name.removeprefix("val_").removeprefix("validation_"), {})[name] = (
                points
            )
    if not panels:
        return None
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = Figure(
        (_WIDTH_INCHES, 2.4 * rows), dpi=_DOTS_PER_INCH, facecolor=PANEL, layout="constrained"
    )
    for index, curves in enumerate(panels.values()):
        axes = figure.add_subplot(rows, columns, index + 1)
        _dress(axes)
        for (name, points), (colour, _) in zip(curves.items(), cycle(_STROKES), strict=False):
            marker = "o" if points.shape[1] == 1 else None
            axes.plot(*points, label=name, marker=marker, color=colour, linewidth=1.5)
        everything = np.concatenate([points[1] for points in curves.values()])
        if everything.min() > 0.0 and everything.max() > 30.0 * everything.min():
            axes.set_yscale("log")
        axes.set_xlabel("step", color=_INK, fontsize=9)
        _legend(axes, loc="upper right")
    return _png(figure)


def _hz_to_mel(hz):
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def _mel_weights(bins: int, sample_rate: int) -> np.ndarray:
    """Triangles [rows, bins] of sum 1, never narrower than a bin, so that none is empty."""
    nyquist = sample_rate / 2.0
    edges = 700.0 * (10.0 ** (np.linspace(0, _hz_to_mel(nyquist), _ROWS + 1) / 2595.0) - 1.0)
    centres = 0.5 * (edges[1:] + edges[:-1])[:, None]
    widths = np.maximum(np.diff(edges), nyquist / (bins - 1))[:, None]
    frequencies = np.linspace(0.0, nyquist, bins)
    weights = np.maximum(0.0, 1.0 - np.abs(frequencies - centres) / widths)
    return weights / weights.sum(axis=1, keepdims=True)


def _timeline(
    heights: list[float], duration: float, head: float = 0.09, foot: float = 0.05
) -> tuple[Figure, list[Axes]]:
    """Time axes over each other, `head` inches above each and `foot` below the lowest."""
    total = sum(heights) + head * len(heights) + foot
    figure = Figure((_WIDTH_INCHES, total), dpi=_DOTS_PER_INCH, facecolor=PANEL)
    stack, bottom = [], total
    for height in heights:
        bottom -= head + height
        axes = figure.add_axes((AXES_LEFT, bottom / total, AXES_RIGHT - AXES_LEFT, height / total))
        _dress(axes)
        axes.set_xlim(0.0, duration)
        axes.tick_params(labelbottom=False)
        stack.append(axes)
    return figure, stack


def _dress(axes: Axes) -> None:
    axes.set_facecolor(PANEL)
    axes.tick_params(colors=_INK, labelsize=9, length=3)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(_GRID)


def _midi(f0_hz: np.ndarray) -> np.ndarray:
    """Note numbers [frames], NaN where there is no pitch."""
    f0_hz = np.asarray(f0_hz, np.float64)
    return 69.0 + 12.0 * np.log2(np.where(f0_hz > 0.0, f0_hz, np.nan) / 440.0)


def _note_axis(axes: Axes, notes: np.ndarray) -> None:
    notes = notes[np.isfinite(notes)]
    low, high = (notes.min() - 1.0, notes.max() + 1.0) if notes.size else (57.0, 81.0)
    step = next((step for step in (1, 2, 4, 12, 24) if (high - low) / step <= 7.0), 48)
    ticks = np.arange(np.ceil(low / step) * step, high, step, dtype=int)
    axes.set_ylim(low, high)
    axes.set_yticks(ticks, [f"{_NOTES[tick % 12]}{tick // 12 - 1}" for tick in ticks])


def _level_axis(axes: Axes, levels: np.ndarray) -> None:
    levels = levels[np.isfinite(levels)]
    high = levels.max() + 3.0 if levels.size else 0.0
    low = max(levels.min() - 3.0, high - RANGE_DB) if levels.size else -RANGE_DB
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter("{x:g} dB")


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9, color=_INK, pad=4, x=0.008)


def _legend(axes: Axes, **where) -> None:
    axes.legend(fontsize=9, labelcolor=_INK, frameon=False, **where)


def _png(figure: Figure, colours: int | None = None) -> bytes:
    """Renders; a palette holds a noisy picture in a third of the bytes, but dulls thin lines."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    if colours:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
