"""Checks that an output file may be written."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ddsp_tf.errors import UserError

# Audio files in folders of ours, with the file that identifies each kind of folder.
_OURS = {"run.json": re.compile(r"renders/.*"), "model.json": re.compile(r"ir(_\d+)?\.wav")}


def check_output(out: str | os.PathLike, inputs: Iterable[str | os.PathLike]) -> None:
    """Checks that writing a file destroys none of its inputs.

    Args:
        out: File to write.
        inputs: Files and folders that the file is made from: a recording, a run, an exported model.

    Raises:
        UserError: If `out` is a folder, one of the inputs (possibly through a link), or a file that
            belongs to a run or an export.
    """
    out = Path(out)
    if out.is_dir():
        raise UserError(f"{out}: is a folder; expected the name of a file to write")
    if not out.exists():
        return
    for path in map(Path, inputs):
        if path.exists() and os.path.samefile(path, out):
            raise UserError(
                f"{out}: is the input, {path}, which would be lost; name another output"
            )
    place = Path(os.path.realpath(out))
    for folder in place.parents:
        for name, ours in _OURS.items():
            if ours.fullmatch(place.relative_to(folder).as_posix()) and (folder / name).is_file():
                raise UserError(f"{out}: belongs to {folder}; name another output")
