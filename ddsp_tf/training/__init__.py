"""Training through `fit`: callbacks, checkpoints, logs, several devices."""

import ddsp_tf.backend.jax_first  # noqa: F401
