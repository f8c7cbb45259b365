"""Recordings to datasets, and datasets to batches."""

import ddsp_tf.backend.jax_first  # noqa: F401
