"""Reading of our JSON files, with a check of every key and type."""

import os
from pathlib import Path
from typing import TypeVar

import pydantic

from ddsp_tf.errors import UserError

# Larger than any file that we write: the manifest of 10,000 recordings has 8 MB.
_LARGEST_BYTES = 1 << 28

Document = TypeVar("Document")


def read_document(path: str | os.PathLike, kind: type[Document], remedy: str) -> Document:
    """Reads a JSON file into a dataclass.

    Args:
        path: File to read.
        kind: Dataclass (or other type that pydantic knows) with the keys and their types. Unknown
            keys are an error if the class forbids them.
        remedy: Advice if the file is damaged, such as "prepare the dataset again".

    Returns:
        An instance of `kind`.

    Raises:
        UserError: If the file cannot be read, is not JSON, or a key is missing or has another type.
            The message names the file and the key.

    Example:
        >>> import dataclasses, tempfile
        >>> @dataclasses.dataclass
        ... class Note:
        ...     midi: int
        >>> path = Path(tempfile.mkdtemp(), "note.json")
        >>> _ = path.write_text('{"midi": 69}')
        >>> read_document(path, Note, "write it again")
        Note(midi=69)
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise UserError(f"{path}: has {size} bytes; expected a JSON file of ours; {remedy}")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from error
    try:
        return pydantic.TypeAdapter(kind).validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        found = f"{place}: {first['msg']}" if place else first["msg"]
        raise UserError(f"{path}: not as ddsp-tf writes it ({found}); {remedy}") from error
