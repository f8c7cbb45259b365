"""The command `ddsp-tf`."""

from ddsp_tf.cli.main import main

__all__ = ["main"]
