"""The folder that `ddsp-tf run` writes: a dataset, a run and an export in one."""

import os
from pathlib import Path

# The file that says what a folder is, and where such a folder lies in a project.
DESCRIPTIONS = {"dataset.json": "dataset", "run.json": "run", "model.json": "export"}


def parts_of(path: str | os.PathLike) -> list[tuple[Path, str]]:
    """Lists the folders of ours that a path means.

    Args:
        path: Dataset, run, export, or folder of a project.

    Returns:
        Pairs of a folder and the file in it that says what it is: the path itself if it is one of
        ours, else those inside of it; none if it is something else.

    Example:
        >>> parts_of("nothing_here")
        []
    """
    path = Path(path)
    itself = [(path, name) for name in DESCRIPTIONS if (path / name).is_file()]
    inside = [
        (path / folder, name)
        for name, folder in DESCRIPTIONS.items()
        if (path / folder / name).is_file()
    ]
    return itself[:1] or inside


def run_of(path: str | os.PathLike) -> Path:
    """Returns the run that a path means: that of a project, else the path itself.

    Args:
        path: Run or folder of a project.

    Returns:
        Path, which need not exist.

    Example:
        >>> run_of("my_run").name
        'my_run'
    """
    return next((part for part, name in parts_of(path) if name == "run.json"), Path(path))


def player_of(path: str | os.PathLike) -> Path:
    """Returns what can be played: the run of a project, else its export, else the path itself.

    Args:
        path: Run, export, `.keras` file, or folder of a project.

    Returns:
        Path, which need not exist.

    Example:
        >>> player_of("model.keras").name
        'model.keras'
    """
    parts = {name: part for part, name in parts_of(path)}
    return parts.get("run.json") or parts.get("model.json") or Path(path)
