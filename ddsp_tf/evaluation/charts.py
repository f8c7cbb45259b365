"""Charts of training and of datasets, as PNG files in memory."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ddsp_tf.evaluation.style import (
    AMBER,
    BLUE,
    INK,
    STROKES,
    add_legend,
    new_figure,
    note_name,
    style_axes,
    to_png,
)


def loss_curves_png(training_log: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes | None:
    """Draws the columns of a training log, `val_loss` over `loss` and so on.

    Args:
        training_log: Dictionary from the name of each quantity to its steps and values, each
            [points]; points that are not finite are omitted.

    Returns:
        Content of a PNG file, or None if there is no finite point.

    Example:
        >>> loss_curves_png({"loss": ([1, 2, 3], [9.0, 7.0, 6.0])})[1:4]
        b'PNG'
    """
    panels: dict[str, dict[str, np.ndarray]] = {}
    for name, (steps, values) in training_log.items():
        points = np.array([steps, values], np.float64)
        points = points[:, np.isfinite(points).all(axis=0)]
        if points.size:
            panel = name.removeprefix("val_").removeprefix("validation_")
            panels.setdefault(panel, {})[name] = points
    if not panels:
        return None
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = new_figure(2.4 * rows, layout="constrained")
    for index, curves in enumerate(panels.values()):
        axes = figure.add_subplot(rows, columns, index + 1)
        style_axes(axes)
        for (name, points), (color, _) in zip(curves.items(), cycle(STROKES), strict=False):
            marker = "o" if points.shape[1] == 1 else None
            axes.plot(*points, label=name, marker=marker, color=color, linewidth=1.5)
        everything = np.concatenate([points[1] for points in curves.values()])
        if everything.min() > 0.0 and everything.max() > 30.0 * everything.min():
            axes.set_yscale("log")
        axes.set_xlabel("step", color=INK, fontsize=9)
        add_legend(axes, loc="upper right")
    return to_png(figure)


def histograms_png(histograms: Mapping[str, Mapping[str, Any]], frame_rate: float) -> bytes:
    """Draws the total duration of each note and each loudness.

    Args:
        histograms: Histograms "f0_midi" and "loudness_db" of a dataset's
            `statistics["histograms"]`.
        frame_rate: Frames per second.

    Returns:
        Content of a PNG file.

    Example:
        >>> one = {"first": 60, "counts": [250, 500]}
        >>> histograms_png({"f0_midi": one, "loudness_db": one}, 250)[1:4]
        b'PNG'
    """
    figure = new_figure(2.6, layout="constrained")
    pitch, loudness = figure.subplots(1, 2, sharey=False)
    notes = _bars(pitch, histograms["f0_midi"], frame_rate, BLUE)
    step = next(step for step in (1, 2, 4, 6, 12, 24) if notes.size / step <= 12 or step == 24)
    ticks = notes[(notes - notes[0]) % step == 0]
    pitch.set_xticks(ticks, [note_name(tick) for tick in ticks])
    style_axes(pitch, "Pitch: seconds per semitone")
    _bars(loudness, histograms["loudness_db"], frame_rate, AMBER)
    loudness.xaxis.set_major_formatter("{x:g} dB")
    style_axes(loudness, "Loudness, A-weighted: seconds per dB")
    for axes in (pitch, loudness):
        axes.grid(visible=False, axis="x")
    return to_png(figure)


def _bars(axes: Axes, histogram: Mapping, frame_rate: float, color: str) -> np.ndarray:
    counts = np.array(histogram["counts"])
    places = histogram["first"] + np.arange(counts.size)
    axes.bar(places, counts / frame_rate, width=0.85, color=color)
    axes.yaxis.set_major_formatter("{x:g} s")
    axes.set_xlim(places[0] - 0.8, places[-1] + 0.8)
    return places
