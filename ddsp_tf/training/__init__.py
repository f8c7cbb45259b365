"""Training: loop, schedule, logs and the run directory."""

import ddsp_tf.backend.jax_first  # noqa: F401
