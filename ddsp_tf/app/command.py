"""Entry point of `ddsp-tf`, which handles Ctrl-C before anything is imported."""

import os
import signal


def main() -> None:
    """Runs `ddsp-tf`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    from ddsp_tf.app.cli.main import main as run

    run(prog_name="ddsp-tf")


def leave(number: int, _: object, stderr: int = 2) -> None:
    """Ends the process, as the handler of a signal that came before anything was done.

    Args:
        number: Number of the signal; the exit code is 128 more.
        _: Frame that was interrupted; not used.
        stderr: File descriptor of standard error.
    """
    os.write(stderr, b"\nstopped before anything was done\n")
    os._exit(128 + number)
