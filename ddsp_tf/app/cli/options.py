"""Options that several commands share."""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

import click


def configuration_options(function):
    """Adds --config and --set."""
    function = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="NAME=VALUE",
        help="Change a setting, such as --set train.steps=2000. May be repeated.",
    )(function)
    return click.option(
        "--config",
        default="fast",
        show_default=True,
        help="A gin file, or the name of a shipped one: demo, fast, solo_instrument, vst.",
    )(function)


def split_options(function):
    """Adds --validation and --validation-share."""
    function = click.option(
        "--validation-share",
        type=click.FloatRange(0, 1),
        default=0.1,
        show_default=True,
        help="Share of the files (of the time, if there is one file) held out from training.",
    )(function)
    return click.option(
        "--validation",
        multiple=True,
        metavar="AUDIO",
        help="A file or folder to hold out from training, in place of a random share. "
        "May be repeated.",
    )(function)


def _run_of(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Returns the run that a path refers to, as text; names of bundled models are kept."""
    from ddsp_tf.app.project import run_of

    return None if path is None else str(run_of(path))


start_option = click.option(
    "--from",
    "start_from",
    metavar="MODEL",
    callback=_run_of,
    help="Start from the weights of a trained model: a run, the folder of `ddsp-tf run`, a .keras "
    "file or bundled:violin. Without --config, it is adapted in two minutes on two CPU cores.",
)

channel_option = click.option(
    "--channel",
    type=click.Choice(["mean", "left", "right"]),
    default="mean",
    show_default=True,
    help="Channel of stereo recordings.",
)

seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)


def _mixture(context: click.Context, parameter: click.Parameter, text: str | None):
    """Reads NAME, or NAME=SHARE,NAME=SHARE,..."""
    if text == "":
        raise click.BadParameter("no name; expected NAME or NAME=SHARE", context, parameter)
    if text is None or "=" not in text:
        return text
    found = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        name = name.strip()
        if name in found:
            raise click.BadParameter(f"{name!r} is named twice", context, parameter)
        try:
            found[name] = float(share)
        except ValueError:
            raise click.BadParameter(f"{part!r}: expected NAME=SHARE", context, parameter) from None
    return found


instrument_option = click.option(
    "--instrument",
    metavar="NAME",
    callback=_mixture,
    help="Of a model with several instruments: the one to take, or a mixture, such as "
    "cello=0.7,sax=0.3.",
)


def by_instrument(data: Sequence[str]) -> list[Path] | dict[str, list[Path]]:
    """Reads datasets or recordings: paths, or paths by the name of their instrument.

    Args:
        data: Texts PATH or NAME=PATH, all of the same form. The text of an existing path counts as
            PATH.

    Raises:
        click.UsageError: If only some have names, or a name is not allowed.
    """
    split = [(None, text) if Path(text).exists() else _split_name(text) for text in data]
    folders = [Path(folder) for _, folder in split]
    names = [name for name, _ in split if name is not None]
    if not names:
        return folders
    if len(names) < len(data):
        plain = next(folder for name, folder in split if name is None)
        raise click.UsageError(f"{plain} has no name; expected NAME={plain}, as the others")
    found: dict[str, list[Path]] = {}
    for name, folder in zip(names, folders, strict=True):
        found.setdefault(name, []).append(folder)
    return found


def _split_name(text: str) -> tuple[str | None, str]:
    name, equals, path = text.partition("=")
    if not equals or os.sep in name:
        return None, text
    if not re.fullmatch(r"[\w-]+", name) or not path:
        raise click.UsageError(
            f"{text!r}: expected NAME=PATH, with a NAME of letters, digits, _ and -"
        )
    return name, path


def chosen_configuration(context: click.Context, config: str, start_from: str | None) -> str | None:
    """Returns the configuration to use; None for that of the model to start from.

    Args:
        context: Context of the command.
        config: Value of --config.
        start_from: Value of --from.
    """
    named = context.get_parameter_source("config") is not click.core.ParameterSource.DEFAULT
    return config if start_from is None or named else None


def import_option() -> click.Option:
    """Returns the option --import, which the group adds to every command that loads something."""
    return click.Option(
        ["--import", "imports"],
        multiple=True,
        metavar="MODULE",
        help="Import a Python module of your own first, for the classes that a gin file or a model "
        "names. May be repeated.",
    )


class _FiniteFloat(click.types.FloatParamType):
    def convert(self, value, param, ctx):
        return _checked(self, super().convert(value, param, ctx), value, param, ctx)


class _FiniteRange(click.FloatRange):
    def convert(self, value, param, ctx):
        return _checked(self, super().convert(value, param, ctx), value, param, ctx)


def _checked(kind, number, value, param, ctx):
    if not math.isfinite(number):
        kind.fail(f"{value!r} is not a finite number.", param, ctx)
    return number


def refuse_infinite(command: click.Command) -> None:
    """Makes the options of a command refuse "nan" and "inf", which click accepts as numbers.

    Args:
        command: Command to change.
    """
    for parameter in command.params:
        kind = parameter.type
        if isinstance(kind, click.FloatRange):
            bounds = (kind.min, kind.max, kind.min_open, kind.max_open)
            parameter.type = _FiniteRange(*bounds)
        elif isinstance(kind, click.types.FloatParamType):
            parameter.type = _FiniteFloat()
