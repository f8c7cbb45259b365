"""Checks that the target folder of an export may be replaced."""

import json
import re
from pathlib import Path

from ddsp_tf.errors import UserError
from ddsp_tf.files.export_description import (
    NAME,
    ExportDescription,
    files_below,
    is_unchanged,
    read_description,
)

# Files of exports, which distinguish a damaged export from other folders.
_OURS = re.compile(
    r"model\.json|expression\.npz|(offline|stream)(_float16|_int8)?\.tflite|(listen|expression)\.tflite"
    r"|ir(_\d+)?\.wav"
    r"|vst/(?P<name>[^/]+)/(?P=name)\.tflite"
    r"|page\.html|page/(index\.html|[^/]+\.gz)"
    r"|saved_model/(saved_model|fingerprint)\.pb|saved_model/variables/variables\.[\w.-]+"
)
# File managers create these in every folder that they show.
_FILE_MANAGER = (".DS_Store", "Thumbs.db", "desktop.ini")


def check_target(out: Path) -> None:
    """Checks that writing an export to a folder destroys no files of the user.

    Args:
        out: Folder to write. It may be missing, empty, or an earlier export without added or
            changed files.

    Raises:
        UserError: If it is anything else. The message names the file.
    """
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise UserError(f"{out}: is a file; expected a folder for the export")
    files = sorted(name for name in files_below(out) if Path(name).name not in _FILE_MANAGER)
    if not files:
        return
    try:
        description = read_description(out)
    except UserError as error:
        _check_damaged(out, files, error)
        return
    for name in files:
        if name != NAME and not _is_exported(out, name, description):
            listed = name in description.files
            reason = "was changed since" if listed else "does not belong to the export"
            raise UserError(f"{out / name}: {reason}; move it out of {out}, or name another folder")


def _is_exported(out: Path, name: str, description: ExportDescription) -> bool:
    path, record = out / name, description.files.get(name)
    return record is not None and not path.is_symlink() and is_unchanged(path, record)


def _check_damaged(out: Path, files: list[str], error: UserError) -> None:
    """Accepts an export whose model.json is missing or damaged, but no other folder."""
    if NAME in files and _belongs_to_another_program(out / NAME):
        raise UserError(
            f"{out}: its {NAME} does not describe an export of ddsp-tf; name another folder"
        ) from error
    for name in files:
        if not _OURS.fullmatch(name) or (out / name).is_symlink():
            raise UserError(
                f"{out}: exists and is not an export (it contains {name}); name another folder"
            ) from error


def _belongs_to_another_program(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return not isinstance(content, dict) or "ddsp_tf_version" not in content
