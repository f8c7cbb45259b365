"""XLA flags for this process alone. Imports neither Keras nor a backend."""

import contextlib
import os
from collections.abc import Iterator, Mapping


def with_flags(given: str, flags: Mapping[str, str]) -> str:
    """Adds XLA flags to those of the user, which take precedence.

    Args:
        given: Flags of the user, as in the environment variable XLA_FLAGS.
        flags: Values by name, without dashes.

    Returns:
        All flags.

    Example:
        >>> with_flags("--xla_a=1", {"xla_a": "2", "xla_b": "3"})
        '--xla_a=1 --xla_b=3'
    """
    added = [f"--{name}={value}" for name, value in flags.items() if name not in given]
    return " ".join([*given.split(), *added])


@contextlib.contextmanager
def flags_added(flags: Mapping[str, str]) -> Iterator[None]:
    """Sets flags while the block runs, in which XLA has to compile for the first time.

    XLA reads the environment then, and never again. Child processes and other backends must not
    inherit the flags: a version that does not know one of them ends the process.

    Args:
        flags: Values by name, without dashes. Those that the user has set stay.

    Example:
        >>> with flags_added({"xla_gpu_autotune_level": "0"}):
        ...     "autotune" in os.environ["XLA_FLAGS"]
        True
    """
    given = os.environ.get("XLA_FLAGS")
    os.environ["XLA_FLAGS"] = with_flags(given or "", flags)
    try:
        yield
    finally:
        if given is None:
            del os.environ["XLA_FLAGS"]
        else:
            os.environ["XLA_FLAGS"] = given
