"""Makes the pictures of the live page for docs/live.md, in headless Chromium.

    python docs/live_pictures.py

Needs Node, Chromium and `npm ci` in ddsp_tf/app/pages/live.
"""

import sys
import tempfile
from pathlib import Path

import soundfile

from ddsp_tf.app.live_instruments import live_instruments
from ddsp_tf.app.pages.live_page import write_live_page
from ddsp_tf.app.recordings import recording

ROOT = Path(__file__).parents[1]


def main():
    """Writes docs/pictures/live_desktop.png and live_dark.png."""
    sys.path.insert(0, str(ROOT / "tests"))
    from live_browser import drive

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audio, rate = soundfile.read(recording("flute"))
        soundfile.write(folder / "flute.wav", audio, rate)
        instruments = live_instruments("bundled:violin")
        page = write_live_page(folder / "page.html", instruments, single_file=True)
        drive(
            page,
            folder,
            "pictures",
            pictures=folder,
            microphone=folder / "flute.wav",
            recording=folder / "flute.wav",
            sources={"dark": "recording"},
            wait=9000,
        )
        for view in ("desktop", "dark"):
            (folder / f"{view}.png").replace(ROOT / f"docs/pictures/live_{view}.png")


if __name__ == "__main__":
    main()
