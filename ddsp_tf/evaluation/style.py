"""The style of all pictures: a dark panel, equally legible on light and dark pages."""

import io
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

PANEL = "#14161b"
INK = "#c5cad4"
GRID = "#30343d"
AMBER = "#f5b642"
BLUE = "#56c2ff"
# Colors and widths of overlapping lines: the upper one is thinner, so that both are visible.
STROKES = ((AMBER, 3.2), (BLUE, 1.4))
AXES_LEFT = 0.065
AXES_RIGHT = 0.985

_WIDTH_INCHES = 10.0
_DOTS_PER_INCH = 130
_NOTE_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def new_figure(height_inches: float, **options: Any) -> Figure:
    """Returns an empty figure, 1300 pixels wide."""
    size = (_WIDTH_INCHES, height_inches)
    return Figure(size, dpi=_DOTS_PER_INCH, facecolor=PANEL, **options)


def timeline(
    heights: list[float], duration: float, head: float = 0.09, foot: float = 0.05
) -> tuple[Figure, list[Axes]]:
    """Stacks time axes, with `head` inches above each and `foot` inches below the lowest.

    They start and end at the same fractions of the width (`AXES_LEFT`, `AXES_RIGHT`), so stacked
    pictures of equal duration line up, and a page can draw a playhead across them.
    """
    total = sum(heights) + head * len(heights) + foot
    figure = new_figure(total)
    stack, bottom = [], total
    for height in heights:
        bottom -= head + height
        axes = figure.add_axes((AXES_LEFT, bottom / total, AXES_RIGHT - AXES_LEFT, height / total))
        style_axes(axes)
        axes.set_xlim(0.0, duration)
        axes.tick_params(labelbottom=False)
        stack.append(axes)
    return figure, stack


def style_axes(axes: Axes, title: str = "") -> None:
    """Gives axes the colors of the panel, and a title above their left end."""
    axes.set_facecolor(PANEL)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    if title:
        axes.set_title(title, loc="left", fontsize=9, color=INK, pad=4, x=0.008)


def add_legend(axes: Axes, **options: Any) -> None:
    """Adds a legend in the colors of the panel."""
    options = {"frameon": False, **options}
    axes.legend(fontsize=9, labelcolor=INK, facecolor=PANEL, edgecolor=GRID, **options)


def note_name(midi: int) -> str:
    """Returns the name of a MIDI note.

    Example:
        >>> note_name(69), note_name(61)
        ('A4', 'C♯4')
    """
    return f"{_NOTE_NAMES[midi % 12]}{midi // 12 - 1}"


class Panel:
    """A figure that is drawn once, for several pictures with the same axes.

    Args:
        figure: Figure with its axes, without what differs between the pictures.
    """

    def __init__(self, figure: Figure) -> None:
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def png(self, axes: Axes, artist: Artist, colors: int) -> bytes:
        """Renders the figure with an artist inside its axes.

        Args:
            axes: Axes of the figure.
            artist: Artist to draw in them, below their frame.
            colors: Size of the palette; see `to_png`.

        Returns:
            Content of a PNG file.
        """
        self._canvas.restore_region(self._background)
        for part in (artist, *axes.spines.values()):
            axes.draw_artist(part)
        return _encoded(self._canvas, colors)


def to_png(figure: Figure, colors: int | None = None) -> bytes:
    """Renders a figure.

    Args:
        figure: Figure to render.
        colors: Size of the palette, which stores a noisy picture in a third of the bytes but dulls
            thin lines; by default there is no palette.

    Returns:
        Content of a PNG file.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return _encoded(canvas, colors)


def _encoded(canvas: FigureCanvasAgg, colors: int | None) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    if colors:
        image = image.quantize(colors, dither=Image.Dither.NONE)
    file = io.BytesIO()
    # PIL's option `optimize` takes five times as long and saves two percent.
    image.save(file, "PNG")
    return file.getvalue()
