"""Node and Chromium, to play the live page as a person would."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "ddsp_tf/app/pages/live"
SCRIPTS = Path(__file__).parent / "app/pages/live"
NODE = shutil.which("node")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
# MIDI numbers of what the microphone plays.
NOTES = (57, 64, 60)

needs_node = pytest.mark.skipif(
    not NODE or not (SOURCES / "node_modules").is_dir(),
    reason="needs Node and `npm ci` in ddsp_tf/app/pages/live, which `make slow` does",
)
needs_browser = pytest.mark.skipif(
    not CHROMIUM or needs_node.args[0], reason="needs Chromium, Node and `npm ci` as above"
)


def drive(page, folder, scenario, timeout=400, **job):
    """Plays a page; returns what the scenario found, and errors that the console showed."""
    path = folder / f"{scenario}.json"
    path.write_text(json.dumps({"scenario": scenario, **job}, default=str))
    command = [NODE, SCRIPTS / "drive.mjs", page.absolute().as_uri(), CHROMIUM, path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    return answer["results"], answer["messages"]


def parts(songs=()):
    """Runs the page's parts in Node, also with MIDI files; returns what they computed."""
    result = subprocess.run([NODE, SCRIPTS / "parts.mjs", *songs], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
