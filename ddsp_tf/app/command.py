"""Entry point of `ddsp-tf`, which handles Ctrl-C before anything is imported."""

import os
import signal


def main() -> None:
    """Runs `ddsp-tf`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from ddsp_tf.app.cli.main import main as run

    run(prog_name="ddsp-tf")


def _leave(*_: object) -> None:
    os.write(2, b"\nstopped before anything was done\n")
    os._exit(128 + signal.SIGINT)
