"""Lets `python -m ddsp_tf.app.cli` do what `ddsp-tf` does."""

from ddsp_tf.app.command import main

main()
