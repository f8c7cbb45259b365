"""Checks that the audio file that a model plays into may be written."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ddsp_tf.errors import UserError

# Audio files in folders of ours, by the file that identifies the folder.
_OURS = {"run.json": re.compile(r"renders/.*"), "model.json": re.compile(r"ir(_\d+)?\.wav")}


def check_output(out: str | os.PathLike, inputs: Iterable[str | os.PathLike]) -> None:
    """Makes sure that writing a file destroys nothing that it is made from.

    Args:
        out: File to write.
        inputs: Files and folders that it is made from: a recording, a run, an exported model.

    Raises:
        UserError: If `out` is a folder, one of the inputs (also through a link), or a file that
            belongs to a run or an export.
    """
    out = Path(out)
    if out.is_dir():
        raise UserError(f"{out}: is a folder; expected a file name such as {out.name}.wav")
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
