"""The command group and its error messages. It imports nothing heavy, so help is instant."""

import errno
import os
import signal
from collections.abc import Callable
from typing import Any

import click

from ddsp_tf.app.cli import (
    data_commands,
    info_command,
    instruments_command,
    model_commands,
    play_command,
    run_command,
    synthesize_command,
)
from ddsp_tf.app.cli.joining import joined
from ddsp_tf.app.cli.options import import_option, refuse_infinite
from ddsp_tf.app.cli.signals import SENTENCES, StopSignals
from ddsp_tf.app.cli.startup import (
    check_working_folder,
    print_in_any_encoding,
    started,
    watch_for_crashes,
)
from ddsp_tf.errors import UserError
from ddsp_tf.files.names import below_here, printable
from ddsp_tf.version import __version__

_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "ResourceExhaustedError", "out of memory")


class _Group(click.Group):
    """A group that prints a user's mistake as one line and exits with code 2."""

    def main(self, args: Any = None, *arguments: Any, **options: Any) -> Any:
        """Runs a command; as the command of this process if no arguments are given here."""
        if args is not None:
            return super().main(args, *arguments, **options)
        watch_for_crashes()
        print_in_any_encoding()
        try:
            return super().main(None, *arguments, **options)
        finally:
            # Only the exit remains; a further Ctrl-C would merely print a traceback.
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def invoke(self, context: click.Context) -> Any:
        """Runs the command named by the arguments."""
        with StopSignals() as signals:
            try:
                check_working_folder()
                return super().invoke(context)
            except KeyboardInterrupt as error:
                self._stop(context, signals, error)
            except Exception as error:
                if signals.received is not None:
                    # Native code replaces an exception that is raised inside it by another one.
                    self._stop(context, signals)
                message = _message(error)
                if message is None:
                    raise
                click.echo(f"error: {printable(below_here(message))}", err=True)
        context.exit(2)

    def _stop(self, context: click.Context, signals: StopSignals, error: Any = "") -> None:
        sentence = str(error) or SENTENCES.get(context.invoked_subcommand or "", "stopped")
        click.echo(f"\n{printable(sentence)}", err=True)
        context.exit(getattr(error, "exit_code", signals.exit_code))

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the commands in the order in which they are used."""
        return list(self.commands)


def _message(error: Exception) -> str | None:
    """Returns the message of an error that the user can fix; None for other errors."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{error.format_message().rstrip('.')}. See {error.ctx.command_path} --help."
    if (
        isinstance(error, ModuleNotFoundError)
        and error.name
        and not error.name.startswith("ddsp_tf")
    ):
        return f"Python package {error.name!r} is missing; pip install {error.name}"
    if isinstance(error, MemoryError) or any(
        words in f"{type(error).__name__}: {error}" for words in _OUT_OF_MEMORY
    ):
        return (
            "out of memory; close other programs (nvidia-smi lists those on the GPU), or give this "
            "one less at a time: shorter recordings, fewer --jobs, a smaller train.batch_size"
        )
    if isinstance(error, UnicodeEncodeError) and not error.object.isprintable():
        return f"{error.object}: its name is not {error.encoding}; choose another name"
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        # Full disks, vanished files, denied permissions.
        name = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        hint = "; make room on the disk" if error.errno == errno.ENOSPC else ""
        return f"{name}{error.strerror or error}{hint}"
    return None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ddsp-tf")
@click.option("-v", "--verbose", is_flag=True, help="Show TensorFlow's start-up notes, too.")
def main(verbose: bool) -> None:
    """Train an instrument from recordings, and play it.

    Everything at once, on the recording that comes with the package:

    \b
        ddsp-tf run bundled:violin --config demo --out violin
    """
    del verbose


def _is_verbose() -> bool:
    return bool(click.get_current_context().find_root().params.get("verbose"))


def _started(callback: Callable) -> Callable:
    return started(callback, _is_verbose)


def _wrap(command: click.Command, wrapper: Callable[[Callable], Callable]) -> None:
    if command.callback is not None:
        command.callback = wrapper(command.callback)


for command in (
    run_command.run,
    data_commands.prepare,
    model_commands.train,
    model_commands.evaluate,
    model_commands.export,
    play_command.play,
    data_commands.features,
    data_commands.notes,
    synthesize_command.synthesize,
):
    _wrap(command, _started)
    command.params.append(import_option())
    refuse_infinite(command)
    main.add_command(command)
main.add_command(info_command.info)
_wrap(instruments_command.instruments, _started)
main.add_command(instruments_command.instruments)
_wrap(model_commands.train, joined)
