"""From gin files and overrides to the objects of a run.

gin is only a way to write down arguments: the classes do not know of it, nothing outside
this module depends on its global state, and that is cleared before a function here returns.
"""

import contextlib
import dataclasses
import difflib
import inspect
import re
from collections.abc import Sequence
from pathlib import Path

import keras

import gin
from ddsp_tf.configuration.registry import CLASSES
from ddsp_tf.configuration.settings import TrainingSettings
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.models import Autoencoder

_INCLUDE = re.compile(r"""^include\s+(['"])(.+?)\1[ \t]*(?:#.*)?$""", re.MULTILINE)
_CONFIGURABLE = {
    name: gin.external_configurable(cls, name=name, module="ddsp_tf")
    for name, cls in CLASSES.items()
}


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything a configuration describes.

    Attributes:
        model: The untrained `Autoencoder`.
        loss: The training loss.
        extractor: The `FeatureExtractor` that its datasets need.
        training: The `TrainingSettings`.
        text: The configuration in full, as gin text: every value used, defaults included.
    """

    model: Autoencoder
    loss: MultiScaleSpectralLoss
    extractor: FeatureExtractor
    training: TrainingSettings
    text: str


def shipped_folder() -> Path:
    """Returns the folder of the gin files that come with the package."""
    package = Path(__file__).parents[1]
    installed = package / "shipped_configurations"
    return installed if installed.is_dir() else package.parent / "gin"


def shipped_names() -> list[str]:
    """Returns the names by which shipped gin files can be used.

    Example:
        >>> shipped_names()
        ['autoencoder', 'demo', 'fast', 'fast_48k', 'fast_dry', 'solo_instrument',
         'solo_instrument_32k', 'solo_instrument_44k', 'solo_instrument_48k', 'vst']
    """
    return sorted(path.stem for path in shipped_folder().rglob("*.gin"))


def find_configuration(name: str) -> Path:
    """Finds a gin file by path, or a shipped one by its bare name.

    Args:
        name: A path to a file, or a name such as "demo" or "models/vst".

    Returns:
        Path of the file.

    Raises:
        UserError: If there is none.

    Example:
        >>> find_configuration("vst").name
        'vst.gin'
    """
    path = Path(name)
    if path.is_file():
        return path
    for shipped in sorted(shipped_folder().rglob("*.gin")):
        relative = shipped.relative_to(shipped_folder()).with_suffix("")
        if name.removesuffix(".gin") in (shipped.stem, relative.as_posix()):
            return shipped
    raise UserError(
        f"{name}: no such configuration; expected a gin file or one of {', '.join(shipped_names())}"
    )


def load_experiment(config: str, overrides: Sequence[str] = (), seed: int = 0) -> Experiment:
    """Builds what a configuration describes.

    Args:
        config: Path of a gin file, or the name of a shipped one.
        overrides: Bindings such as "train.steps=2000", applied last.
        seed: Seed of the model's initial weights.

    Returns:
        The experiment.

    Raises:
        UserError: If the file, a name in it, or a value is wrong.

    Example:
        >>> experiment = load_experiment("demo", ["train.steps=20"])
        >>> experiment.training.steps, experiment.model.frame_rate
        (20, 100)
    """
    keras.utils.set_random_seed(seed)
    with _parsed(config, overrides):
        training = _construct("train", config)
        with _precision(training.precision):
            model = _construct("Autoencoder", config)
        return Experiment(
            model=model,
            loss=_construct("MultiScaleSpectralLoss", config),
            extractor=_construct("FeatureExtractor", config),
            training=training,
            text=gin.operative_config_str(max_line_length=100),
        )


def load_extractor(config: str, overrides: Sequence[str] = ()) -> FeatureExtractor:
    """Builds only the feature extractor that a configuration describes.

    Args:
        config: Path of a gin file, or the name of a shipped one.
        overrides: Bindings such as "frame_rate=100", applied last.

    Returns:
        The extractor.

    Raises:
        UserError: If the file, a name in it, or a value is wrong.

    Example:
        >>> load_extractor("demo").hop
        160
    """
    with _parsed(config, overrides):
        return _construct("FeatureExtractor", config)


@contextlib.contextmanager
def _precision(name: str):
    before = keras.config.dtype_policy()
    if name != "float32":
        keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _parsed(config: str, overrides: Sequence[str]):
    path = find_configuration(config)
    gin.clear_config()
    try:
        _parse(path, overrides)
        yield
    finally:
        gin.clear_config()


def _parse(path: Path, overrides: Sequence[str]):
    try:
        gin.parse_config(_read_with_includes(path))
    except (ValueError, SyntaxError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {_one_line(error)}") from error
    _check_parameters(str(path))
    for override in overrides:
        where = f"--set {override!r}"
        name, equals, _ = override.partition("=")
        if not equals:
            raise UserError(f"{where}: expected NAME=VALUE, such as train.steps=2000")
        _check_macro(name.strip(), where)
        try:
            gin.parse_config(override)
        except (ValueError, SyntaxError) as error:
            hint = _closest(name.strip(), _parameter_names())
            raise UserError(f"{where}: {_one_line(error)}{hint}") from error
        _check_parameters(where)
    _check_tracker(path)


def _read_with_includes(path: Path, above: tuple[Path, ...] = ()) -> str:
    """Reads a gin file with the files it includes in place of its include lines.

    gin itself would look for them among Python's modules, too, and stumble over any folder named
    like one of ours.
    """
    if path in above:
        raise UserError(f"{path}: includes itself")

    def content(match: re.Match) -> str:
        name = match.group(2)
        for place in (path.parent / name, shipped_folder() / name):
            if place.is_file():
                return _read_with_includes(place, (*above, path))
        raise UserError(f"{path}: includes {name!r}, which is neither beside it nor shipped")

    return _INCLUDE.sub(content, path.read_text(encoding="utf-8"))


def _check_macro(name: str, where: str):
    # gin takes any bare name for a new macro, so a misspelt one would silently do nothing.
    known = [key[0] for key in _bindings() if key[1] == "gin.macro"]
    if "." not in name and name not in known:
        raise UserError(f"{where}: no setting {name!r}{_closest(name, known)}")


def _check_parameters(where: str):
    # Layers take **kwargs, so gin itself would accept any parameter name for them.
    for (scope, selector), parameters in _bindings().items():
        if selector == "gin.macro":
            continue
        name = selector.split(".")[-1]
        known = _parameters(name)
        for parameter in parameters:
            if parameter not in known:
                full = f"{scope}/{name}" if scope else name
                hint = _closest(parameter, known)
                raise UserError(f"{where}: {full} has no setting {parameter!r}{hint}")


def _check_tracker(path: Path):
    # A tracker's settings count only where the extractor refers to it; else they would be lost.
    tracker = _bindings().get(("", "ddsp_tf.FeatureExtractor"), {}).get("pitch_tracker")
    for _, selector in _bindings():
        name = selector.split(".")[-1]
        if name.endswith("Tracker") and name not in repr(tracker):
            raise UserError(
                f"{path}: {name} has settings but is not used; expected "
                f"FeatureExtractor.pitch_tracker = @{name}()"
            )


def _bindings() -> dict:
    return gin.config._CONFIG


def _parameters(name: str) -> list[str]:
    # mypy warns that a subclass may have another one; this class's own is what gin binds.
    signature = inspect.signature(CLASSES[name].__init__)  # type: ignore[misc]
    skipped = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in signature.parameters.values() if p.kind not in skipped][1:]


def _parameter_names() -> list[str]:
    return [f"{name}.{parameter}" for name in CLASSES for parameter in _parameters(name)]


def _closest(name: str, known: Sequence[str]) -> str:
    matches = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def _construct(name: str, config: str):
    try:
        return _CONFIGURABLE[name]()
    except (TypeError, ValueError, UserError) as error:
        raise UserError(f"{config}: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" ^")]
    kept = [line for line in lines if not line.startswith(("In call to", "In bindings", "In file"))]
    return " ".join(kept or lines)
