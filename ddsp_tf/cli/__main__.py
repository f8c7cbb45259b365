"""Lets `python -m ddsp_tf.cli` do what `ddsp-tf` does."""

from ddsp_tf.cli.main import main

main(prog_name="ddsp-tf")
