"""Training: loop, schedule, logs and the run directory."""

import ddsp_tf.jax_first  # noqa: F401
