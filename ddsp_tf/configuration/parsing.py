"""Parsing of gin text into checked bindings, without changes to gin's global state.

gin keeps bindings, a registry and a lock for the whole process, and the program that calls this
library may itself use gin. All parsing happens between saving and restoring that state.
"""

import contextlib
import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gin
from ddsp_tf.configuration.gin_files import find_included, read_configuration
from ddsp_tf.configuration.registry import CLASSES, GIN_LOCK, OURS, defaults, parameters
from ddsp_tf.configuration.value_types import check_types
from ddsp_tf.errors import UserError

_STATE = ("_CONFIG", "_OPERATIVE_CONFIG", "_IMPORTS", "_SINGLETONS", "_REGISTRY")
_MACRO = re.compile(r"^([A-Za-z_]\w*)[ \t]*=", re.MULTILINE)
_NOTES = ("In call to", "In bindings", "In file")
_UNREAD = re.compile(r"Failed to parse token '(.*)'")
_UNKNOWN = re.compile(r"No configurable matching reference '@([^'()]*)")
_OF_YOUR_OWN = "; a class of your own needs --import MODULE"
_LONGEST_MESSAGE = 400
_NOT_A_VALUE = (
    "{!r} is neither a number nor text in quotes; expected a value of Python, such as 2000, "
    "'cosine' (in a shell: \"NAME='cosine'\"), True or None"
)
_BARE_WORD = re.compile(r"[A-Za-z_][\w./-]*")
_LITERALS = {"true": "True", "false": "False", "none": "None", "null": "None"}


@contextlib.contextmanager
def own_gin_state() -> Iterator[None]:
    """Gives the block a gin without bindings, and restores the caller's state afterwards."""
    gin_config = gin.config
    with GIN_LOCK:
        kept = {name: getattr(gin_config, name) for name in (*_STATE, "_CONFIG_IS_LOCKED")}
        try:
            gin_config._CONFIG, gin_config._OPERATIVE_CONFIG = {}, {}
            gin_config._IMPORTS, gin_config._SINGLETONS = set(), {}
            gin_config._REGISTRY = _unambiguous(gin_config._REGISTRY)
            gin_config._CONFIG_IS_LOCKED = False
            with gin.config_scope(None):
                yield
        finally:
            for name, value in kept.items():
                setattr(gin_config, name, value)


def _unambiguous(registry: gin.selector_map.SelectorMap) -> gin.selector_map.SelectorMap:
    """Copies gin's registry without classes that other libraries registered under our names."""
    copy = gin.selector_map.SelectorMap()
    for selector, value in registry.items():
        module, _, name = selector.rpartition(".")
        if module == OURS or name not in CLASSES:
            copy[selector] = value
    return copy


def bindings() -> dict[tuple[str, str], dict[str, Any]]:
    """Returns all bindings: {(scope, complete name of a class): {argument: value}}."""
    return gin.config._CONFIG


def parse_file(path: Path, above: tuple[Path, ...] = ()) -> None:
    """Reads the bindings of a gin file and of the files that it includes.

    Args:
        path: File to read.
        above: Files that include it.

    Raises:
        UserError: If the file or one of its lines is wrong. The message names both.
    """
    if path.resolve() in above:
        raise UserError(f"{path}: includes itself")
    _parse(read_configuration(path), path, (*above, path.resolve()))


def parse_override(override: str) -> None:
    """Reads the binding of a `--set` option.

    Args:
        override: Text such as "train.steps=2000". An unquoted word counts as text if the setting
            takes text.

    Raises:
        UserError: If the name or the value is wrong.
    """
    if not isinstance(override, str):
        raise UserError(f"override {override!r}; expected text, such as 'train.steps=2000'")
    where = f"--set {_shortened(override)!r}"
    name, equals, value = (part.strip() for part in override.partition("="))
    if not equals or "\n" in override:
        raise UserError(f"{where}: expected NAME=VALUE, such as train.steps=2000")
    macros = [scope for scope, selector in bindings() if selector == "gin.macro"]
    # gin takes any unscoped name for a new macro, so a misspelt one would silently do nothing.
    if "." not in name and name not in macros:
        raise UserError(f"{where}: no setting {_shortened(name)!r}{_hint(name, macros)}")
    if _BARE_WORD.fullmatch(value) and value not in _LITERALS.values():
        value = _quoted(name, value, where)
    _parse(f"{name} = {value}", where)


def check_use(path: Path, config: str, overrides: Sequence[str]) -> None:
    """Checks that every binding is used, and that its value has the type of its argument.

    Args:
        path: File that was parsed.
        config: Name of the file, as the user gave it.
        overrides: Bindings that were parsed after it.

    Raises:
        UserError: If a tracker has settings but is not the extractor's, a macro is set but never
            used or used but never set, or a value has another type.
    """
    tracker = bindings().get(("", f"{OURS}.FeatureExtractor"), {}).get("pitch_tracker")
    for _, selector in bindings():
        name = selector.split(".")[-1]
        if name.endswith("Tracker") and name not in repr(tracker):
            raise UserError(
                f"{path}: {name} has settings but is not used; expected "
                f"FeatureExtractor.pitch_tracker = @{name}()"
            )
    macros = [scope for scope, selector in bindings() if selector == "gin.macro"]
    used = {
        "/".join(reference.scopes)
        for reference in gin.config.iterate_references(bindings())
        if reference.configurable.selector == "gin.macro"
    }
    for name in sorted(used - set(macros)):
        using = [f"--set {_shortened(one)!r}" for one in overrides if f"%{name}" in one]
        where = using[0] if using else path
        raise UserError(f"{where}: %{name} is used but has no value{closest(name, macros)}")
    for name in _MACRO.findall(read_configuration(path)):
        if name not in used:
            raise UserError(f"{path}: nothing uses {name!r}{closest(name, sorted(used))}")
    check_types(bindings(), config, overrides)


def closest(name: str, known: Sequence[str]) -> str:
    """Returns the end of a message that proposes the nearest of some names, or nothing."""
    matches = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def one_line(error: BaseException) -> str:
    """Returns an error's message without line breaks and without gin's notes on the call."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" ^")]
    kept = [line for line in lines if not line.startswith(_NOTES)]
    text = _shortened(" ".join(kept or lines), _LONGEST_MESSAGE)
    if isinstance(error, (ValueError, TypeError, UserError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _parse(text: str, where: Path | str, files: tuple[Path, ...] = ()) -> None:
    parser = line = None
    try:
        parser = gin.config_parser.ConfigParser(text, gin.config.ParserDelegate())
        for statement in parser:
            line = statement.location.line_num
            if isinstance(statement, gin.config_parser.IncludeStatement):
                parse_file(find_included(statement.filename, Path(where)), files)
            elif isinstance(statement, gin.config_parser.ImportStatement):
                _check_imported(statement.module)
            elif isinstance(statement, gin.config_parser.BlockDeclaration):
                _registered(statement.selector)
            else:
                _bind(statement)
            line = None
    except UserError:
        raise
    except Exception as error:  # gin, its tokenizer and Python's parser raise many types.
        if isinstance(where, Path):
            line = line or getattr(error, "lineno", None)
            where = f"{where}, line {line or (parser.current_token.start[0] if parser else 1)}"
        raise UserError(f"{where}: {_reason(error)}") from error


def _check_imported(module: str) -> None:
    # An import would run the module's code, and the file may come from an untrusted source.
    if module not in sys.modules:
        raise ValueError(
            f"wants to import {module!r}; if you trust that module, name it yourself: --import "
            f"{module}, or imports=[{module!r}] in Python"
        )


def _bind(statement: gin.config_parser.BindingStatement) -> None:
    scope, selector, argument, value, _ = statement
    full = f"{scope}/{selector}" if scope else selector
    if not argument:
        gin.bind_parameter((full, "gin.macro", "value"), value)
        return
    registered = _registered(selector, f"{selector}.{argument}")
    known = parameters(registered.wrapped)
    if argument not in known:
        raise ValueError(f"{full} has no setting {argument!r}{_hint(argument, known)}")
    gin.bind_parameter((scope, selector, argument), value)


def _hint(name: str, known: Sequence[str]) -> str:
    if name == "seed":
        return "; it is an option of its own: --seed 3, or seed=3 in Python"
    return closest(name, known)


def _registered(selector: str, setting: str = "") -> Any:
    registered = gin.config._REGISTRY.get_match(selector)
    if registered is None:
        hint = closest(setting, _settings()) or closest(selector, list(CLASSES))
        raise ValueError(f"no class {selector!r}{hint or _OF_YOUR_OWN}")
    return registered


def _settings() -> list[str]:
    return [f"{name}.{setting}" for name, cls in CLASSES.items() for setting in parameters(cls)]


def _quoted(name: str, word: str, where: str) -> str:
    """Puts an unquoted word in quotes if the setting takes text."""
    selector, _, argument = name.rpartition("/")[2].rpartition(".")
    if selector:
        registered = gin.config._REGISTRY.get_match(selector)
        value = defaults(registered.wrapped).get(argument) if registered else ""
    else:
        value = bindings()[name, "gin.macro"]["value"]
    if word.lower() in _LITERALS:
        raise UserError(f"{where}: {word!r} is not a value; expected {_LITERALS[word.lower()]}")
    if isinstance(value, str):
        return repr(word)
    raise UserError(f"{where}: {_NOT_A_VALUE.format(_shortened(word))}")


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if isinstance(error, SyntaxError) and error.args else one_line(error)
    if unread := _UNREAD.search(text):
        return _NOT_A_VALUE.format(_shortened(unread.group(1)))
    if unknown := _UNKNOWN.search(text):
        name = unknown.group(1)
        return f"no class {name!r}{closest(name, list(CLASSES)) or _OF_YOUR_OWN}"
    return _shortened(" ".join(text.split()), _LONGEST_MESSAGE)


def _shortened(text: str, length: int = 80) -> str:
    """Leaves out the middle of long text."""
    if len(text) <= length:
        return text
    half = length // 2 - 2
    return f"{text[:half]}...{text[-half:]}"
