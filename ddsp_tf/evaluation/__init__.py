"""Measurement of trained models, and pictures of sounds and features."""

import ddsp_tf.backend.jax_first  # noqa: F401
