"""The song that a notebook plays."""

import os
from pathlib import Path

from ddsp_tf.app.notebook.runtime import upload
from ddsp_tf.errors import UserError

_BEAT_SECONDS = 0.5
# MIDI number and beats: the beginning of a theme of Beethoven's Ninth Symphony (1824).
_THEME = (
    *((66, 1.0), (66, 1.0), (67, 1.0), (69, 1.0), (69, 1.0), (67, 1.0), (66, 1.0), (64, 1.0)),
    *((62, 1.0), (62, 1.0), (64, 1.0), (66, 1.0), (66, 1.5), (64, 0.5), (64, 2.0)),
)
_THEME_DB = -6.0


def choose_song(choice: str, folder: str | os.PathLike) -> Path:
    """Finds the MIDI file that a form names.

    Args:
        choice: Choice in the form: "theme", "upload", or the path of a MIDI file.
        folder: Folder for an uploaded file and the theme.

    Returns:
        MIDI file.

    Raises:
        UserError: If there is no such file, or the runtime has no dialog.

    Example:
        >>> import tempfile
        >>> choose_song("theme", tempfile.mkdtemp()).name
        'theme.mid'
    """
    choice, folder = choice.strip(), Path(folder)
    if choice == "upload":
        return upload(folder)[0]
    if choice == "theme":
        return _write_theme(folder)
    if not Path(choice).is_file():
        raise UserError(f"{choice or 'nothing'}: not found; expected a MIDI file, or theme")
    return Path(choice)


def _write_theme(folder: Path) -> Path:
    from ddsp_tf.features.transcription import Note
    from ddsp_tf.inference.note_files import save_notes

    notes, end = [], 0.0
    for key, beats in _THEME:
        onset, end = end, end + _BEAT_SECONDS * beats
        notes.append(Note(onset, end, float(key), _THEME_DB))
    folder.mkdir(parents=True, exist_ok=True)
    save_notes(folder / "theme.mid", notes)
    return folder / "theme.mid"
