"""Lets `python -m ddsp_tf.app.cli` do what `ddsp-tf` does."""

from ddsp_tf.app.cli.main import main

main(prog_name="ddsp-tf")
