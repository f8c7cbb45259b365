"""Options that several commands share."""

import os

import click


def configuration_options(default: str):
    """Adds --config and --set.

    Args:
        default: Name of the configuration used if none is given.

    Returns:
        Decorator for a click command.
    """

    def add(function):
        function = click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="NAME=VALUE",
            help="Change a setting, such as --set train.steps=2000. May be repeated.",
        )(function)
        return click.option(
            "--config",
            default=default,
            show_default=True,
            help="A gin file, or the name of a shipped one: demo, fast, solo_instrument, vst.",
        )(function)

    return add


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


seed_option = click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of everything random."
)

# XLA otherwise runs many forms of every matrix product before the first step, to find the fastest.
QUICK_START_FLAGS = ("--xla_gpu_enable_triton_gemm=false", "--xla_gpu_autotune_level=0")


def _start_quickly(context, parameter, value):
    """Sets XLA's flags, which are read once, when the backend is loaded: commands do that later."""
    if value:
        given = os.environ.get("XLA_FLAGS", "").split()
        names = {flag.partition("=")[0] for flag in given}
        new = [flag for flag in QUICK_START_FLAGS if flag.partition("=")[0] not in names]
        os.environ["XLA_FLAGS"] = " ".join([*given, *new])


quick_start_option = click.option(
    "--quick-start",
    is_flag=True,
    expose_value=False,
    callback=_start_quickly,
    help="With a GPU: compile in half the time, for slower steps. For short trainings.",
)
