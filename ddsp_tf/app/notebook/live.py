"""The live page as output of a cell."""

import html
import os
import tempfile
from pathlib import Path

_HEIGHT = 1000


def show_live(*models: str | os.PathLike):
    """Shows a page to play models live: from its keys, a MIDI keyboard, a voice or a recording.

    The page becomes part of the notebook's output, 5 MB or more. It runs in the browser, without a
    kernel.

    Args:
        *models: Runs, `.keras` files, exports or "bundled:violin"; see `ddsp-tf play`.

    Raises:
        UserError: If one cannot be played live.

    Example:
        >>> show_live("bundled:violin")  # doctest: +SKIP
    """
    from IPython.display import HTML, display

    from ddsp_tf.app.live_instruments import live_instruments
    from ddsp_tf.app.pages.live_page import write_live_page

    instruments = [one for model in models for one in live_instruments(model)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_live_page(Path(folder) / "page.html", instruments, single_file=True)
        display(HTML(frame_html(path.read_text("utf-8"))))


def frame_html(page: str) -> str:
    """Returns an element that contains a page, with access to microphone and MIDI.

    Args:
        page: Text of the page.

    Returns:
        Text of an <iframe> element.

    Example:
        >>> frame_html("<p>hello")[:45]
        '<iframe allow="microphone; midi; autoplay" st'
    """
    return (
        '<iframe allow="microphone; midi; autoplay" style="width: 100%; border: 0" '
        f'height="{_HEIGHT}" srcdoc="{html.escape(page)}"></iframe>'
    )
