"""Differentiable digital signal processing (DDSP) for TensorFlow and Keras 3.

The names below are imported when they are first used, so that `import ddsp_tf` costs nothing.

Example:
    >>> import ddsp_tf
    >>> ddsp_tf.Harmonic(n_harmonics=8).hop
    64
"""

import importlib

from ddsp_tf.version import __version__

_HOMES = {
    "Add": "ddsp_tf.processors",
    "AutoTracker": "ddsp_tf.features.auto_tracker",
    "Autoencoder": "ddsp_tf.models",
    "Chain": "ddsp_tf.app.chain",
    "CrepeTracker": "ddsp_tf.features.crepe_tracker",
    "Crop": "ddsp_tf.processors",
    "DilatedConvDecoder": "ddsp_tf.models",
    "ExpDecayReverb": "ddsp_tf.processors",
    "FeatureExtractor": "ddsp_tf.features.extractor",
    "FilteredNoise": "ddsp_tf.processors",
    "FilteredNoiseReverb": "ddsp_tf.processors",
    "FirFilter": "ddsp_tf.processors",
    "Harmonic": "ddsp_tf.processors",
    "LevelDifference": "ddsp_tf.metrics",
    "Listener": "ddsp_tf.inference.listener",
    "LiveFeatures": "ddsp_tf.features.live_features",
    "LossTerms": "ddsp_tf.metrics",
    "LoudnessDistance": "ddsp_tf.metrics",
    "MfccRnnEncoder": "ddsp_tf.models",
    "MinGruDecoder": "ddsp_tf.models",
    "Mix": "ddsp_tf.processors",
    "ModDelay": "ddsp_tf.processors",
    "MultiScaleSpectralLoss": "ddsp_tf.losses",
    "Note": "ddsp_tf.features.transcription",
    "PitchDistance": "ddsp_tf.metrics",
    "PitchTracker": "ddsp_tf.features.pitch",
    "Processor": "ddsp_tf.processors.base",
    "ProcessorGroup": "ddsp_tf.processors",
    "Reverb": "ddsp_tf.processors",
    "RnnDecoder": "ddsp_tf.models",
    "Sinusoidal": "ddsp_tf.processors",
    "Stopped": "ddsp_tf.errors",
    "SwiftF0Tracker": "ddsp_tf.features.swift_f0",
    "UserError": "ddsp_tf.errors",
    "Wavetable": "ddsp_tf.processors",
    "YinTracker": "ddsp_tf.features.yin_tracker",
    "configurable": "ddsp_tf.configuration.registry",
    "export_model": "ddsp_tf.export.exporter",
    "instrument": "ddsp_tf.inference.bundled",
    "load_experiment": "ddsp_tf.configuration.experiment",
    "load_expression": "ddsp_tf.inference.expression_files",
    "load_extractor": "ddsp_tf.configuration.experiment",
    "load_features": "ddsp_tf.inference.feature_files",
    "load_model": "ddsp_tf.inference.model_files",
    "load_player": "ddsp_tf.inference.playing",
    "load_ranges": "ddsp_tf.inference.playing",
    "make_optimizer": "ddsp_tf.training.optimizer",
    "play_to_file": "ddsp_tf.inference.playing",
    "prepare_dataset": "ddsp_tf.data.preparation",
    "read_audio": "ddsp_tf.audio.reading",
    "read_midi": "ddsp_tf.inference.midi_files",
    "read_notes": "ddsp_tf.inference.note_files",
    "recording": "ddsp_tf.app.recordings",
    "save_features": "ddsp_tf.inference.feature_files",
    "save_notes": "ddsp_tf.inference.note_files",
    "song_curves": "ddsp_tf.inference.songs",
    "synthesize": "ddsp_tf.inference.rendering",
    "train_run": "ddsp_tf.training.run",
    "training_batches": "ddsp_tf.data.pipeline",
    "transcribe": "ddsp_tf.features.transcription",
    "transfer_curves": "ddsp_tf.features.transfer",
    "warm_start": "ddsp_tf.training.warm_start",
    "write_audio": "ddsp_tf.audio.writing",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ddsp_tf' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
