"""Differentiable synthesizers and effects as Keras layers, and the graph that joins them."""

from ddsp_tf.processors.add import Add
from ddsp_tf.processors.base import Processor
from ddsp_tf.processors.crop import Crop
from ddsp_tf.processors.exp_decay_reverb import ExpDecayReverb
from ddsp_tf.processors.filtered_noise import FilteredNoise
from ddsp_tf.processors.filtered_noise_reverb import FilteredNoiseReverb
from ddsp_tf.processors.fir_filter import FirFilter
from ddsp_tf.processors.group import ProcessorGroup
from ddsp_tf.processors.harmonic import Harmonic
from ddsp_tf.processors.mix import Mix
from ddsp_tf.processors.mod_delay import ModDelay
from ddsp_tf.processors.reverb import Reverb
from ddsp_tf.processors.sinusoidal import Sinusoidal
from ddsp_tf.processors.wavetable import Wavetable

__all__ = [
    "Add",
    "Crop",
    "ExpDecayReverb",
    "FilteredNoise",
    "FilteredNoiseReverb",
    "FirFilter",
    "Harmonic",
    "Mix",
    "ModDelay",
    "Processor",
    "ProcessorGroup",
    "Reverb",
    "Sinusoidal",
    "Wavetable",
]
