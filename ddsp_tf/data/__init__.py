"""Audio files to datasets, and datasets to batches."""

import ddsp_tf.jax_first  # noqa: F401
