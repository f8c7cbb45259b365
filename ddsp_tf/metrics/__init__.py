"""Distances between recordings and renders: of audio, for `compile`, and of measured curves."""

from ddsp_tf.metrics.audio_metrics import LevelDifference, LoudnessDistance, PitchDistance
from ddsp_tf.metrics.loss_terms import LossTerms

__all__ = ["LevelDifference", "LossTerms", "LoudnessDistance", "PitchDistance"]
