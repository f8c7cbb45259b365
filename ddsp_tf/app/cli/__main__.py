"""Makes `python -m ddsp_tf.app.cli` equivalent to `ddsp-tf`."""

from ddsp_tf.app.command import main

main()
