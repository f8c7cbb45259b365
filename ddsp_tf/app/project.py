"""The folder that `ddsp-tf run` writes: a dataset, a run and an export in one."""

import os
import re
import time
from pathlib import Path

from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.typing import Mixture

# The file that identifies each kind of folder, and the folder's place in a project.
DESCRIPTIONS = {"dataset.json": "dataset", "run.json": "run", "model.json": "export"}


def parts_of(path: str | os.PathLike) -> list[tuple[Path, str]]:
    """Lists the datasets, runs and exports that a path refers to.

    Args:
        path: Dataset, run, export, or folder of a project.

    Returns:
        Pairs of a folder and the file that identifies it: the path itself if it is one of these,
        otherwise those inside it; none if there are none.

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
    """Returns the run that a path refers to: the run of a project, or the path itself.

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
    """Returns the model of a path: the run or export of a project, or the path itself.

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


def instrument_of(path: str | os.PathLike, instrument: Mixture) -> tuple[Path, Mixture]:
    """Finds the folder of an instrument in a run of several.

    Args:
        path: Run, export or `.keras` file with several instruments.
        instrument: Name of an instrument, or a mixture; None for the model as it is.

    Returns:
        Tuple of the folder of the instrument, and None; if there is no such folder, of the path
        and the instrument, which has to be selected when the model is loaded.

    Example:
        >>> instrument_of("my_model.keras", "cello")[1]
        'cello'
    """
    path = Path(path)
    if isinstance(instrument, str) and re.fullmatch(r"[\w-]+", instrument):
        own = RunDirectory(path).instrument(instrument)
        if own.record.is_file():
            return own.path, None
    return path, instrument


def keep_aside(run: RunDirectory, reason: str) -> Path:
    """Renames a run, so that another can take its place.

    Args:
        run: Run to rename.
        reason: Reason as part of a file name, such as "train.steps_changed".

    Returns:
        New folder of the run, such as "run_until_2026-11-27_1105_train.steps_changed".

    Raises:
        UserError: If the folder cannot be renamed.
    """
    ended = time.strftime("%Y-%m-%d_%H%M", time.localtime(run.record.stat().st_mtime))
    word = re.sub(r"[^\w.-]+", ".", reason)
    wanted = run.path.with_name(f"{run.path.name}_until_{ended}_{word}")
    place, number = wanted, 1
    while place.exists():
        number += 1
        place = wanted.with_name(f"{wanted.name}_{number}")
    try:
        os.rename(run.path, place)
    except OSError as error:
        raise UserError(f"{run.path}: cannot be renamed ({error.strerror or error})") from error
    return place


def put_back(kept: Path, run: RunDirectory) -> bool:
    """Restores the name of a run if no other has taken its place.

    Args:
        kept: Folder that `keep_aside` returned.
        run: Run that was to take its place.

    Returns:
        Whether the name was restored.
    """
    if run.record.exists():
        return False
    if run.path.is_dir() and not any(run.path.iterdir()):
        run.path.rmdir()
    if run.path.exists():
        return False
    os.rename(kept, run.path)
    return True
