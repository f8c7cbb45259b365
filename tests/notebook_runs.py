"""Running a notebook as its reader would, and reading what it showed."""

import base64
import html
import io
import os
import re
import time
from pathlib import Path

import nbclient
import nbformat
import numpy as np
import soundfile

FOLDER = Path(__file__).parents[1] / "colab"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
_AUDIO = re.compile(r"data:audio/[a-z]+;base64,([A-Za-z0-9+/=]+)")


def read_notebook(name: str):
    """The stored notebook."""
    return nbformat.read(FOLDER / name, as_version=nbformat.NO_CONVERT)


def run_notebook(name: str, folder: Path, changes: dict | None = None):
    """Executes a notebook top to bottom in its quick mode, on a fresh kernel, in a folder.

    Args:
        name: Name of the notebook.
        folder: The kernel's working folder.
        changes: Values that a reader enters into the forms, by the name of the field.

    Returns:
        The notebook with its outputs.
    """
    notebook = read_notebook(name)
    for cell in notebook.cells:
        for field, value in (changes or {}).items():
            line = rf"(?m)^{field} = .*?(?=  # @param)"
            cell.source = re.sub(line, lambda _, f=field, v=value: f"{f} = {v!r}", cell.source)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(folder)}}, record_timing=True
    )
    client.execute(env={**os.environ, "DDSP_TF_QUICK": "1"})
    return notebook


def sounds(notebook, cell_id: str | None = None) -> list[np.ndarray]:
    """All sounds in players, [samples] each, in order."""
    found = []
    for output in _outputs(notebook, cell_id):
        for encoded in _AUDIO.findall(output.get("data", {}).get("text/html", "")):
            audio, _ = soundfile.read(io.BytesIO(base64.b64decode(encoded)))
            found.append(audio)
    return found


def pictures(notebook, cell_id: str | None = None) -> list[np.ndarray]:
    """All pictures, [rows, columns, channels] each, in order."""
    from PIL import Image

    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))))
        for output in _outputs(notebook, cell_id)
        if "image/png" in output.get("data", {})
    ]


def text(notebook, cell_id: str | None = None) -> str:
    """Everything printed."""
    return "".join(output.get("text", "") for output in _outputs(notebook, cell_id))


def live_pages(notebook, cell_id: str) -> list[str]:
    """The pages inside a cell's frames."""
    frames = [output.get("data", {}).get("text/html", "") for output in _outputs(notebook, cell_id)]
    found = re.findall('<iframe allow="microphone[^>]* srcdoc="([^"]*)"', "".join(frames))
    return [html.unescape(page) for page in found]


def _outputs(notebook, cell_id):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if cell_id is not None:
        cells = [cell for cell in cells if cell.id == cell_id]
        assert cells, f"no cell {cell_id}"
    return [output for cell in cells for output in cell.outputs]


if __name__ == "__main__":  # python tests/notebook_runs.py NAME FOLDER: to look at
    import sys

    begin = time.monotonic()
    result = run_notebook(sys.argv[1], Path(sys.argv[2]))
    nbformat.write(result, Path(sys.argv[2]) / sys.argv[1])
    print(f"{time.monotonic() - begin:.0f} s")
