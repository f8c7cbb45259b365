"""Choices in the forms of notebooks: recordings, a model, a folder for results."""

import os
import zipfile
from pathlib import Path

from ddsp_tf.app.notebook.archives import unpack
from ddsp_tf.app.notebook.microphone import record
from ddsp_tf.app.notebook.runtime import in_colab, upload
from ddsp_tf.errors import UserError

_BUNDLED = "bundled "
_DRIVE = Path("/content/drive")


def work_folder(name: str, on_drive: bool = False) -> Path:
    """Returns the folder for the results of a notebook.

    Args:
        name: Name of the folder.
        on_drive: Whether to put it on Google Drive, where it outlives the Colab session; ignored
            elsewhere.

    Returns:
        Path in the working folder or in "My Drive", which is created if absent.

    Raises:
        UserError: If the name is empty or cannot name a folder.

    Example:
        >>> work_folder("../my violin")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: name '../my violin': expected a name for a folder, without slashes
    """
    if not name.strip(" .") or set(name) & set("/\\\0"):
        raise UserError(f"name {name!r}: expected a name for a folder, without slashes")
    place = Path.cwd()
    if on_drive and in_colab():
        from google.colab import drive

        drive.mount(str(_DRIVE))
        place = _DRIVE / "MyDrive"
    elif on_drive:
        print(f"Google Drive: only on Colab; results are kept in {place / name}")
    folder = place / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def choose_audio(choice: str, folder: str | os.PathLike, seconds: float = 10.0) -> list[Path]:
    """Finds the recordings that a form names.

    Args:
        choice: Choice in the form: "bundled violin" and the like, "upload", "microphone", or the
            path of a file or folder.
        folder: Folder for uploaded and recorded sound.
        seconds: Length of a recording by "microphone".

    Returns:
        Files or folders.

    Raises:
        UserError: If nothing is found, or the runtime has no dialog or microphone.

    Example:
        >>> [path.name for path in choose_audio("bundled flute", "recordings")]
        ['flute.flac']
    """
    from ddsp_tf.app.recordings import recording

    choice = choice.strip()
    if choice == "upload":
        return upload(folder)
    if choice == "microphone":
        return [record(Path(folder) / "microphone.wav", seconds)]
    if choice.startswith(_BUNDLED):
        return [recording(choice.removeprefix(_BUNDLED))]
    return [_existing(choice, "audio")]


def choose_model(choice: str, folder: str | os.PathLike) -> Path:
    """Finds the model that a form names.

    Args:
        choice: Choice in the form: "bundled violin", "upload", or the path of a run, an export, a
            `.keras` file, a zip archive or a folder of one of these.
        folder: Folder for uploaded models and the contents of archives.

    Returns:
        Path for `load_player`.

    Raises:
        UserError: If there is no model, or an archive cannot be unpacked safely.

    Example:
        >>> choose_model("bundled violin", "models").name
        'violin'
    """
    from ddsp_tf.inference.bundled import instrument

    choice, folder = choice.strip(), Path(folder)
    if choice.startswith(_BUNDLED):
        return instrument(choice.removeprefix(_BUNDLED))
    path = upload(folder)[0] if choice == "upload" else _existing(choice, "a model")
    if zipfile.is_zipfile(path) and path.suffix.lower() != ".keras":
        path = unpack(path, folder)
    elif path.name.lower().endswith("zip"):
        raise UserError(f"{path}: is not a zip archive; upload it again")
    return _model_in(path)


def _existing(choice: str, what: str) -> Path:
    path = Path(choice)
    if not choice or not path.exists():
        raise UserError(f"{choice or 'nothing'}: not found; expected the path of {what}")
    return path


def _model_in(path: Path) -> Path:
    """Finds the run, export or `.keras` file, in this order, that is nearest below a path."""
    if path.is_file():
        return path
    for name, is_folder in (("run.json", True), ("model.json", True), ("*.keras", False)):
        found = sorted(path.rglob(name), key=lambda one: (len(one.parts), one))
        if found:
            return found[0].parent if is_folder else found[0]
    raise UserError(f"{path}: no model in it; expected a run, an export or a .keras file")
