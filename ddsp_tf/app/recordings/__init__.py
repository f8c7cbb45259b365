"""Recordings that come with the package, to try things without audio of your own."""

from pathlib import Path

from ddsp_tf.errors import UserError
from ddsp_tf.inference.bundled import PREFIX

NAMES = ("violin", "violin_unseen", "flute")


def recording(name: str) -> Path:
    """Returns the path of a bundled recording, 16 kHz mono FLAC.

    Args:
        name: Name of the recording: "violin" (90 s, for training), "violin_unseen" (20 s, another
            phrase of the same instrument) or "flute" (15 s, to play through the violin's model).

    Returns:
        Path of the file.

    Raises:
        UserError: If there is no recording of that name.

    Example:
        >>> recording("violin").name
        'violin.flac'
    """
    if name not in NAMES:
        raise UserError(f"{PREFIX}{name}: no such bundled recording; there are {', '.join(NAMES)}")
    return Path(__file__).parent / f"{name}.flac"


def resolve(argument: str) -> Path:
    """Returns the path of a recording that is named on the command line.

    Args:
        argument: Path, or "bundled:NAME" for a bundled recording.

    Returns:
        Path, which need not exist.

    Raises:
        UserError: If it names a bundled recording that does not exist.

    Example:
        >>> resolve("bundled:flute").name, resolve("take.wav").name
        ('flute.flac', 'take.wav')
    """
    if argument.startswith(PREFIX):
        return recording(argument.removeprefix(PREFIX))
    return Path(argument)
