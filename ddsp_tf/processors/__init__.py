"""Differentiable synthesizers and effects as Keras layers, and the graph that joins them."""

from ddsp_tf.processors.add import Add
from ddsp_tf.processors.base import Processor
from ddsp_tf.processors.filtered_noise import FilteredNoise
from ddsp_tf.processors.group import ProcessorGroup
from ddsp_tf.processors.harmonic import Harmonic
from ddsp_tf.processors.reverb import Reverb

__all__ = ["Add", "FilteredNoise", "Harmonic", "Processor", "ProcessorGroup", "Reverb"]
