"""What a gin file can name. The classes themselves do not know of it."""

from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.features.crepe_tracker import CrepeTracker
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.swift_f0 import SwiftF0Tracker
from ddsp_tf.features.yin_tracker import YinTracker
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.models import (
    Autoencoder,
    DilatedConvDecoder,
    LevelMatching,
    MfccRnnEncoder,
    MinGruDecoder,
    RnnDecoder,
)
from ddsp_tf.processors import (
    Add,
    Crop,
    ExpDecayReverb,
    FilteredNoise,
    FilteredNoiseReverb,
    FirFilter,
    Harmonic,
    Mix,
    ModDelay,
    ProcessorGroup,
    Reverb,
    Sinusoidal,
    Wavetable,
)

CLASSES = {
    "Add": Add,
    "Autoencoder": Autoencoder,
    "CrepeTracker": CrepeTracker,
    "Crop": Crop,
    "DilatedConvDecoder": DilatedConvDecoder,
    "ExpDecayReverb": ExpDecayReverb,
    "FeatureExtractor": FeatureExtractor,
    "FilteredNoise": FilteredNoise,
    "FilteredNoiseReverb": FilteredNoiseReverb,
    "FirFilter": FirFilter,
    "Harmonic": Harmonic,
    "LevelMatching": LevelMatching,
    "MfccRnnEncoder": MfccRnnEncoder,
    "MinGruDecoder": MinGruDecoder,
    "Mix": Mix,
    "ModDelay": ModDelay,
    "MultiScaleSpectralLoss": MultiScaleSpectralLoss,
    "ProcessorGroup": ProcessorGroup,
    "Reverb": Reverb,
    "RnnDecoder": RnnDecoder,
    "Sinusoidal": Sinusoidal,
    "SwiftF0Tracker": SwiftF0Tracker,
    "Wavetable": Wavetable,
    "YinTracker": YinTracker,
    "train": TrainingSettings,
}
