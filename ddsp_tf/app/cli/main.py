"""The command group, and how errors reach the user. Imports nothing heavy, so help is instant."""

import sys

import click

from ddsp_tf.app.cli import data_commands, model_commands, run_command
from ddsp_tf.app.cli.console import quiet_native_logs
from ddsp_tf.errors import UserError
from ddsp_tf.version import __version__


class _Group(click.Group):
    """A group that prints a user's mistake as one line and exits with code 2."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except UserError as error:
            message = str(error)
        except KeyboardInterrupt:
            click.echo("stopped; the same command goes on from here", err=True)
            context.exit(130)
        except OSError as error:
            # Full disks, vanished files, denied permissions: the user's to mend, too.
            name = f"{error.filename}: " if error.filename else ""
            message = f"{name}{error.strerror or error}"
        click.echo(f"error: {message}", err=True)
        context.exit(2)

    def list_commands(self, context: click.Context):
        """Returns the commands in the order in which one uses them."""
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ddsp-tf")
@click.option("-v", "--verbose", is_flag=True, help="Show what TensorFlow has to say, too.")
def main(verbose: bool):
    """Train an instrument from recordings, and play it.

    Everything at once, on the recording that comes with the package:

    \b
        ddsp-tf run bundled:violin --config demo --out violin
    """
    if not verbose and "--help" not in sys.argv:
        quiet_native_logs()


for command in (
    run_command.run,
    data_commands.prepare,
    model_commands.train,
    model_commands.evaluate,
    model_commands.export,
    data_commands.features,
    model_commands.synthesize,
    data_commands.info,
):
    main.add_command(command)
