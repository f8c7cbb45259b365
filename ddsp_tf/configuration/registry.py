"""The classes that gin files can name: those of the library, and those of users."""

import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

import keras

import gin
from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.errors import UserError
from ddsp_tf.features import pitch
from ddsp_tf.features.auto_tracker import AutoTracker
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

OURS = "ddsp_tf"
_SAVED_BY_KERAS = (keras.layers.Layer, keras.losses.Loss, keras.metrics.Metric)
# gin's state belongs to the whole process.
GIN_LOCK = threading.RLock()

Class = TypeVar("Class", bound=type)


class Parts:
    """Replacements for parts of an experiment (`Experiment.*` in gin files).

    Args:
        loss: Training loss; None for `MultiScaleSpectralLoss`.
    """

    def __init__(self, loss: keras.losses.Loss | None = None):
        if loss is not None and not isinstance(loss, keras.losses.Loss):
            raise UserError(f"Experiment.loss={loss!r}; expected a keras.losses.Loss")
        self.loss = loss


@overload
def configurable(cls: Class, *, name: str | None = None, package: str = "custom") -> Class: ...


@overload
def configurable(
    *, name: str | None = None, package: str = "custom"
) -> Callable[[Class], Class]: ...


def configurable(cls: Any = None, *, name: str | None = None, package: str = "custom") -> Any:
    """Makes a class available by name in gin files and `--set`.

    It works for processors, decoders, encoders, losses and pitch trackers. Layers, losses and
    metrics are registered with Keras as well, so that saved models that contain them can be loaded
    wherever the module of the class has been imported. The class itself is not changed. A class
    that is defined again under the same name, as in a notebook, replaces the earlier one.

    Args:
        cls: Class to register; omitted if the decorator is given arguments.
        name: Name in gin files; by default that of the class.
        package: Prefix that distinguishes classes of the same name, in Keras as well.

    Returns:
        The class, or a decorator if no class is given.

    Raises:
        UserError: If `cls` is not a class, or the library has a class of that name.

    Example:
        >>> import ddsp_tf
        >>> @ddsp_tf.configurable
        ... class QuietHarmonic(ddsp_tf.Harmonic):
        ...     def __init__(self, quieter_db=6.0, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.quieter_db = quieter_db
        >>> from ddsp_tf.configuration.registry import parameters
        >>> parameters(QuietHarmonic)[:2]
        ['quieter_db', 'n_harmonics']
    """
    if cls is None:
        return lambda given: configurable(given, name=name, package=package)
    if not isinstance(cls, type):
        raise UserError(f"configurable: {cls!r} is not a class; expected a class")
    name = name or cls.__name__
    if name in CLASSES or package == OURS:
        raise UserError(f"configurable {name!r}: ddsp_tf has a class of that name; choose another")
    if issubclass(cls, pitch.PitchTracker):
        _register_tracker(cls)
    if issubclass(cls, _SAVED_BY_KERAS) and ">" not in keras.saving.get_registered_name(cls):
        keras.saving.register_keras_serializable(package, name)(cls)
    _register(cls, name, package)
    return cls


def _register(cls: type, name: str, module: str) -> None:
    registry = gin.config._REGISTRY
    with GIN_LOCK:
        # A program that has finalized its own configuration may still add to ours.
        locked = gin.config_is_locked()
        gin.config._set_config_is_locked(False)
        try:
            if f"{module}.{name}" in registry:
                registry.pop(f"{module}.{name}")
            gin.external_configurable(cls, name=name, module=module)
        finally:
            gin.config._set_config_is_locked(locked)


def _register_tracker(cls: type[pitch.PitchTracker]) -> None:
    place = f"{cls.__module__}:{cls.__qualname__}"
    if pitch.TRACKERS.get(cls.name, place).startswith(f"{OURS}."):
        raise UserError(f"pitch tracker {cls.name!r}: ddsp_tf has one of that name")
    pitch.TRACKERS[cls.name] = place


CLASSES = {
    "Add": Add,
    "AutoTracker": AutoTracker,
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
    "Experiment": Parts,
}
for _name, _class in CLASSES.items():
    _register(_class, _name, OURS)


def parameters(registered: Any) -> list[str]:
    """Lists the arguments that can be bound for a class or function.

    Args:
        registered: Class or function. If a class passes `**kwargs` on, arguments of its base
            classes are included, down to those of Keras.

    Returns:
        Names in the order of their definition.

    Example:
        >>> parameters(Parts)
        ['loss']
    """
    return list(defaults(registered))


def defaults(registered: Any) -> dict[str, Any]:
    """Returns the arguments that can be bound, with their defaults.

    Args:
        registered: Class or function.

    Returns:
        Dictionary from name to default; `inspect.Parameter.empty` where there is none.

    Example:
        >>> defaults(Parts)
        {'loss': None}
    """
    if not isinstance(registered, type):
        return _named(inspect.signature(registered))[0]
    found: dict[str, Any] = {}
    for cls in registered.__mro__:
        constructor = vars(cls).get("__init__")
        if constructor is None:
            continue
        if cls.__module__.partition(".")[0] == "keras":
            found.setdefault("name", None)
            break
        named, passes_on = _named(inspect.signature(constructor))
        for key, value in named.items():
            found.setdefault(key, value)
        if not passes_on:
            break
    found.pop("self", None)
    return found


def _named(signature: inspect.Signature) -> tuple[dict[str, Any], bool]:
    kinds = inspect.Parameter
    several = (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL)
    every = signature.parameters.values()
    named = {one.name: one.default for one in every if one.kind not in several}
    return named, any(one.kind is kinds.VAR_KEYWORD for one in every)
