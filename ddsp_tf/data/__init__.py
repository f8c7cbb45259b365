"""Preparation of datasets from recordings, and batches from datasets."""

import ddsp_tf.backend.jax_first  # noqa: F401
