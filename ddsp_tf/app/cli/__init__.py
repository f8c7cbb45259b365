"""The command `ddsp-tf`."""

from ddsp_tf.app.cli.main import main

__all__ = ["main"]
