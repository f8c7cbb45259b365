"""The style of all pictures: a dark panel, equally legible on light and dark pages."""

import io
from typing import Any

import numpy as np
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

_WIDTH_INCHES = 10.0
_DOTS_PER_INCH = 130
_NOTE_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def new_figure(height_inches: float, **options: Any) -> Figure:
    """Returns an empty figure, 1300 pixels wide."""
    size = (_WIDTH_INCHES, height_inches)
    return Figure(size, dpi=_DOTS_PER_INCH, facecolor=PANEL, **options)


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
    image = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    if colors:
        image = image.quantize(colors, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
