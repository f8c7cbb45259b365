"""Differences between the configuration of an earlier run and the present one."""

import re
from collections.abc import Sequence
from typing import Any

import gin
from ddsp_tf.configuration.gin_files import find_configuration
from ddsp_tf.configuration.parsing import (
    bindings,
    one_line,
    own_gin_state,
    parse_file,
    parse_override,
)
from ddsp_tf.configuration.registry import defaults
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory

_STATEMENT = re.compile(r"^(?!#)(\S+) = ")


def kept_defaults(config: str, overrides: Sequence[str], earlier: str) -> list[str]:
    """Finds settings of an earlier run that nothing sets and whose defaults have changed since.

    Passed to `load_experiment` before the user's own overrides, they keep a run unchanged when a
    new version of the library has new defaults.

    Args:
        config: Path of a gin file, or the name of a shipped one.
        overrides: Bindings such as "train.steps=2000".
        earlier: Configuration of the earlier run, its `Experiment.text`.

    Returns:
        Overrides such as "Harmonic.initial_decay_db=0.0"; usually none.

    Raises:
        UserError: If the configuration or an override is wrong.
        ValueError: If `earlier` is damaged.

    Example:
        >>> earlier = "Harmonic.inharmonic = True\\ntrain.steps = 5\\n"
        >>> kept_defaults("demo", ["train.steps=9"], earlier)
        ['Harmonic.inharmonic=True']
    """
    with own_gin_state():
        parse_file(find_configuration(config))
        for override in overrides:
            parse_override(override)
        kept = []
        for (scope, selector, argument), value in _settings(earlier).items():
            registered = gin.config._REGISTRY.get_match(selector)
            known = defaults(registered.wrapped) if registered else {}
            if argument not in known or argument in bindings().get(
                (scope, registered.selector), {}
            ):
                continue
            if known[argument] != value:
                full = f"{scope}/{selector}" if scope else selector
                kept.append(f"{full}.{argument}={gin.config._format_value(value)}")
        return kept


def earlier_defaults(run: RunDirectory, config: str, overrides: Sequence[str]) -> list[str]:
    """Finds the defaults of an earlier run in a folder that a new version has changed.

    Args:
        run: Run directory, which need not contain a run.
        config: Path of a gin file, or the name of a shipped one.
        overrides: Bindings such as "train.steps=2000".

    Returns:
        Overrides, as from `kept_defaults`.

    Raises:
        UserError: If the earlier run cannot be read, or the configuration is wrong.

    Example:
        >>> earlier_defaults(RunDirectory("nothing_here"), "demo", [])
        []
    """
    if not run.is_started():
        return []
    run.read()
    try:
        kept = kept_defaults(config, overrides, run.configuration.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{run.configuration}: cannot be read ({error}); restore it, or name another folder"
        ) from error
    # Otherwise the training starts from initial weights.
    return [one for one in kept if not one.startswith("train.start_from=")]


def kept_note(kept: Sequence[str]) -> str:
    """Returns the sentence that reports `earlier_defaults` to the user.

    Example:
        >>> kept_note(["Harmonic.inharmonic=True"])
        'Harmonic.inharmonic=True: kept as in the earlier run, whose defaults differ'
    """
    return f"{', '.join(kept)}: kept as in the earlier run, whose defaults differ"


def changed_settings(before: str, after: str) -> list[str]:
    """Lists the settings that differ between two configurations.

    Args:
        before: One configuration, its `Experiment.text`.
        after: The other configuration, its `Experiment.text`.

    Returns:
        Names such as "train.steps", in alphabetical order.

    Example:
        >>> changed_settings("train.steps = 5\\n", "train.steps = 6\\nReverb.length = 4\\n")
        ['Reverb.length', 'train.steps']
    """
    one, other = _statements(before), _statements(after)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _statements(text: str) -> dict[str, str]:
    """Splits a configuration that gin wrote into {name: value}, both text."""
    found, name = {}, ""
    for line in text.splitlines():
        if match := _STATEMENT.match(line):
            name = match.group(1)
            found[name] = line[match.end() :]
        elif line.startswith((" ", "\t")) and name:
            found[name] += line
        else:
            name = ""
    return found


def _settings(text: str) -> dict[tuple[str, str, str], Any]:
    """Reads the settings of a configuration, including those of unknown classes."""
    try:
        parser = gin.config_parser.ConfigParser(text, gin.config.ParserDelegate(skip_unknown=True))
        bound = [one for one in parser if isinstance(one, gin.config_parser.BindingStatement)]
    except Exception as error:  # gin, its tokenizer and Python's parser raise many types.
        raise ValueError(one_line(error)) from error
    return {(one.scope, one.selector, one.arg_name): one.value for one in bound if one.arg_name}
