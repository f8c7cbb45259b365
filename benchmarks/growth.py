"""Growth of a quantity: straight lines through measurements, as a table and as a picture."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ddsp_tf.evaluation.style import AMBER, BLUE, INK, new_figure, style_axes, to_png


@dataclass
class Study:
    """Time and memory of one piece of work, measured at several sizes."""

    what: str
    against: str
    sizes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    def add(self, size: float, seconds: float, mebibytes: float) -> None:
        """Adds a point."""
        self.sizes.append(size)
        self.seconds.append(seconds)
        self.mebibytes.append(mebibytes)


def line(sizes: list[float], values: list[float]) -> tuple[float, float, float]:
    """Fits a straight line.

    Args:
        sizes: Sizes at which the values were measured, at least two.
        values: Values that are not negative.

    Returns:
        Slope, value at 0, and the largest distance of a value from the line as a share of the
        largest value.

    Example:
        >>> [round(number, 3) for number in line([1, 2, 4], [3, 5, 9])]
        [2.0, 1.0, 0.0]
    """
    slope, start = np.polyfit(sizes, values, 1)
    distance = np.abs(np.polyval([slope, start], sizes) - values).max()
    return float(slope), float(start), float(distance / max(values))


def tables(studies: Iterable[Study]) -> str:
    """Formats a table of all lines, and one of all points."""
    columns = ("time at 0", "per unit", "off the line", "MiB at 0", "per unit", "off the line")
    lines = [
        f"| what | against | {' | '.join(columns)} |",
        f"| --- | --- {'| ---: ' * len(columns)}|",
    ]
    points = ["| what | against | size | time | MiB |", "| --- | --- | ---: | ---: | ---: |"]
    for study in studies:
        slope, start, off = line(study.sizes, study.seconds)
        cells = [time_text(start), time_text(slope), f"{off:.0%}"]
        slope, start, off = line(study.sizes, study.mebibytes)
        cells += [f"{start:.0f}", f"{slope:.3g}", f"{off:.0%}"]
        lines.append(f"| {study.what} | {study.against} | {' | '.join(cells)} |")
        for size, seconds, mebibytes in zip(
            study.sizes, study.seconds, study.mebibytes, strict=True
        ):
            cells = [study.what, study.against, f"{size:g}", time_text(seconds), f"{mebibytes:.0f}"]
            points.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *points, ""])


def time_text(seconds: float) -> str:
    """Writes a time in seconds or milliseconds."""
    return f"{seconds:.3g} s" if abs(seconds) >= 1.0 else f"{1e3 * seconds:.3g} ms"


def picture(studies: list[Study]) -> bytes:
    """Draws every study: time on the left axis, memory on the right one, with their lines."""
    rows = (len(studies) + 1) // 2
    figure = new_figure(0.4 + 2.3 * rows)
    grid = figure.subplots(rows, 2, squeeze=False).ravel()
    for study, axes in zip(studies, grid, strict=False):
        style_axes(axes, f"{study.what}, against {study.against}")
        other = axes.twinx()
        style_axes(other)
        other.grid(False)
        scale = 1.0 if max(study.seconds) >= 1.0 else 1e3
        ends = np.array([0.0, max(study.sizes)])
        for panel, values, color, name in (
            (axes, scale * np.array(study.seconds), AMBER, "s" if scale == 1.0 else "ms"),
            (other, np.array(study.mebibytes), BLUE, "MiB"),
        ):
            slope, start, _ = line(study.sizes, list(values))
            panel.plot(study.sizes, values, "o", color=color, markersize=5)
            panel.plot(ends, start + slope * ends, color=color, linewidth=1.2)
            panel.set_ylim(0.0, 1.15 * max(values))
            panel.set_ylabel(name, color=color, fontsize=9)
        axes.set_xlim(0.0, 1.05 * ends[1])
        axes.xaxis.label.set_color(INK)
    for axes in grid[len(studies) :]:
        axes.set_visible(False)
    figure.tight_layout(pad=1.0)
    return to_png(figure)
