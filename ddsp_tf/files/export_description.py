"""The description of an exported model, model.json."""

import json
import os
from pathlib import Path

from ddsp_tf.errors import UserError

SCHEMA_VERSION = 2


def read_description(folder: str | os.PathLike) -> dict:
    """Reads an export's model.json.

    Args:
        folder: The export.

    Returns:
        Its content.

    Raises:
        UserError: If the folder is not an export, or of another version.

    Example:
        >>> read_description("nothing_here")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: nothing_here: not an exported model (no model.json in it)
    """
    path = Path(folder) / "model.json"
    try:
        description = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{folder}: not an exported model (no model.json in it)"
        raise UserError(message) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if description.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{path}: not an export of this version (schema {SCHEMA_VERSION}); export anew"
        )
    return description
