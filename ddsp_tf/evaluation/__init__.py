"""Measuring trained models, and the page that shows the result."""

import ddsp_tf.backend.jax_first  # noqa: F401
