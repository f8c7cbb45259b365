"""Trained models that come with the package.

`benchmarks/bundled/make_instruments.py` trained them on the bundled recordings.
"""

from ddsp_tf.inference.bundled import NAMES, instrument, resolve_model

__all__ = ["NAMES", "instrument", "resolve_model"]
