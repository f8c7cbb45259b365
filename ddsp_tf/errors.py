"""Exceptions for mistakes that the user can fix, and for a training that was asked to stop."""

import math
import numbers
import reprlib
from typing import Any


class UserError(Exception):
    """A mistake in a file, a folder or a setting that the user can fix.

    The message is a single line that names the file or setting, what was found, what is expected
    and what to do. The command line prints it and exits with code 2, without a traceback.

    Example:
        >>> raise UserError("take1.wav: empty file; expected audio")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: take1.wav: empty file; expected audio
    """

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback; IPython looks for this name."""
        return [f"error: {self}"]


class NoRoomError(UserError):
    """A file could not be written because the disk is full.

    Args:
        path: File that was to be written.
        strerror: Reason as the system words it in an `OSError`.

    Example:
        >>> raise NoRoomError("take1.wav", "File too large")
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.NoRoomError: take1.wav: cannot be written (File too large); make room for it
    """

    def __init__(self, path: object, strerror: str) -> None:
        super().__init__(f"{path}: cannot be written ({strerror}); make room for it")
        self.strerror = strerror


class Stopped(KeyboardInterrupt):
    """Training was asked to stop, and has saved a checkpoint.

    It is a `KeyboardInterrupt`, so that notebooks stop as they usually do.

    Args:
        signal_number: Signal that requested the stop, such as `signal.SIGTERM`.
        message: Sentence on where the training stopped and how to resume it.

    Attributes:
        signal_number: The signal.
        exit_code: Exit code of a process that ends because of it: 128 + the signal.

    Example:
        >>> Stopped(15, "stopped at step 200; a checkpoint is saved").exit_code
        143
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = int(signal_number)
        self.exit_code = 128 + self.signal_number

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback; IPython looks for this name."""
        return [str(self)]


def check_number(
    name: str, value: Any, least: float, most: float = math.inf, *, whole: bool = False
) -> None:
    """Checks that an argument is a finite number within bounds.

    Args:
        name: Name of the argument.
        value: Value given for it.
        least: Smallest number accepted.
        most: Largest number accepted.
        whole: Whether it must be an integer.

    Raises:
        UserError: If it is not.

    Example:
        >>> check_number("clip_frames", 0, 1, whole=True)
        Traceback (most recent call last):
        ...
        ddsp_tf.errors.UserError: clip_frames is 0; expected a whole number from 1
    """
    kind = numbers.Integral if whole else numbers.Real
    number = isinstance(value, kind) and not isinstance(value, bool)
    if number and math.isfinite(value) and least <= value <= most:
        return
    bounds = f"from {least:g}" + ("" if most == math.inf else f" to {most:.10g}")
    noun = "a whole number" if whole else "a number"
    raise UserError(f"{name} is {reprlib.repr(value)}; expected {noun} {bounds}")
