"""The objects of a run, built from a configuration."""

import contextlib
import dataclasses
import importlib
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

import gin
from ddsp_tf.backend.weight_limits import weights_limited
from ddsp_tf.backend.xla_settings import set_xla_flags
from ddsp_tf.configuration.gin_files import find_configuration, shipped_folder, shipped_names
from ddsp_tf.configuration.parsing import (
    bindings,
    check_use,
    one_line,
    own_gin_state,
    parse_file,
    parse_override,
)
from ddsp_tf.configuration.registry import OURS
from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.models import Autoencoder

__all__ = [
    "Experiment",
    "find_configuration",
    "load_experiment",
    "load_extractor",
    "shipped_folder",
    "shipped_names",
]
LARGEST_SEED = 2**31 - 1
# 4 GiB, 200 times the weights of the largest shipped configuration.
_MOST_WEIGHTS = 1 << 30
_MISSING = re.compile(r"(\w+)\.__init__\(\) missing \d+ required [\w -]*arguments?: '(\w+)'")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything that a configuration describes.

    Attributes:
        model: Untrained `Autoencoder`, built.
        loss: Training loss, a `keras.losses.Loss`.
        extractor: `FeatureExtractor` for the datasets.
        training: `TrainingSettings`.
        text: Complete configuration as gin text: every value used, including defaults.
    """

    model: Autoencoder
    loss: keras.losses.Loss
    extractor: FeatureExtractor
    training: TrainingSettings
    text: str


def load_experiment(
    config: str, overrides: Sequence[str] = (), seed: int = 0, imports: Sequence[str] = ()
) -> Experiment:
    """Builds the objects that a configuration describes.

    It does not change the caller's own gin bindings or the state of Python's and numpy's global
    random generators.

    Args:
        config: Path of a gin file, or the name of a shipped one.
        overrides: Bindings such as "train.steps=2000", applied last.
        seed: Seed of the model's initial weights, 0 to 2**31 - 1.
        imports: Names of modules to import first, whose classes the configuration uses. A gin file
            itself imports nothing.

    Returns:
        The experiment.

    Raises:
        UserError: If the file, a name in it, or a value is wrong.

    Example:
        >>> experiment = load_experiment("demo", ["train.steps=20"])
        >>> experiment.training.steps, experiment.model.frame_rate
        (20, 100)
    """
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"seed {seed!r}: expected a whole number from 0 to {LARGEST_SEED}")
    too_large = f"{config}: describes a model of more than {_MOST_WEIGHTS} weights"
    limited = weights_limited(_MOST_WEIGHTS, too_large)
    with _parsed(config, overrides, imports), seeded(seed), limited:
        # Before the first weights, which are on the GPU.
        set_xla_flags(_has_loop())
        training = _construct("train", config)
        with _precision(training.precision):
            names = ("pitch_jitter", "envelope_consistency")
            given = {name: getattr(training, name) for name in names if getattr(training, name)}
            model = _construct("Autoencoder", config, **given)
        with _one_line_errors(config):
            model.build()
        # Read only if set, so that the text of other configurations does not change.
        parts = _construct("Experiment", config) if _is_bound("Experiment") else None
        loss = parts.loss if parts else None
        return Experiment(
            model=model,
            loss=loss or _construct("MultiScaleSpectralLoss", config),
            extractor=_construct("FeatureExtractor", config),
            training=training,
            text=gin.operative_config_str(max_line_length=100),
        )


def _has_loop() -> bool:
    """Tells whether a network may compute its frames one after the other."""
    parts = bindings().get(("", "ddsp_tf.Autoencoder"), {})
    networks = [parts.get(name) for name in ("decoder", "encoder")]
    classes = [one.configurable.wrapped for one in networks if one is not None]
    return any(getattr(one, "has_loop", True) for one in classes)


def load_extractor(
    config: str, overrides: Sequence[str] = (), imports: Sequence[str] = ()
) -> FeatureExtractor:
    """Builds only the feature extractor that a configuration describes.

    Args:
        config: Path of a gin file, or the name of a shipped one.
        overrides: Bindings such as "frame_rate=100", applied last.
        imports: Names of modules to import first; see `load_experiment`.

    Returns:
        The extractor.

    Raises:
        UserError: If the file, a name in it, or a value is wrong.

    Example:
        >>> load_extractor("demo").hop
        160
    """
    with _parsed(config, overrides, imports):
        return _construct("FeatureExtractor", config)


@contextlib.contextmanager
def _parsed(config: str, overrides: Sequence[str], imports: Sequence[str]) -> Iterator[None]:
    for what, given in (("overrides", overrides), ("imports", imports)):
        if isinstance(given, str):
            raise UserError(f"{what}={given!r} is text; expected a list such as [{given!r}]")
    for name in imports:
        import_module(name)
    path = find_configuration(config)
    with own_gin_state():
        parse_file(path)
        for override in overrides:
            parse_override(override)
        check_use(path, config, overrides)
        yield


def import_module(name: str) -> None:
    """Imports a module of the user, which registers its classes.

    Args:
        name: Name of the module.

    Raises:
        UserError: If the module does not exist, or importing it fails.
    """
    try:
        importlib.import_module(name)
    except Exception as error:  # The module may raise anything.
        raise UserError(f"--import {name}: cannot be imported ({one_line(error)})") from error


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds the generators that Keras draws initializers' seeds from, while the block runs."""
    python, arrays = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)


@contextlib.contextmanager
def _precision(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    if name != "float32":
        keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _one_line_errors(config: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # From values in the file, or from a class of the user.
        text = one_line(error)
        if missing := _MISSING.search(text):
            name = ".".join(missing.groups())
            text = f"{name} is not set; set it, or begin the file with include 'demo.gin'"
        raise UserError(text if text.startswith(f"{config}: ") else f"{config}: {text}") from error


def _construct(name: str, config: str, **arguments: Any):
    with _one_line_errors(config):
        return gin.get_configurable(f"{OURS}.{name}")(**arguments)


def _is_bound(name: str) -> bool:
    return ("", f"{OURS}.{name}") in bindings()
