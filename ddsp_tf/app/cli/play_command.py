"""The command `play`: models in the browser."""

import tempfile
import threading
import webbrowser
from pathlib import Path

import click

from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.app.cli.options import instrument_option
from ddsp_tf.files.names import printable


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@instrument_option
@click.option("--out", type=Path, help="Write the page to a folder instead, for a web server.")
@click.option("--single-file", is_flag=True, help="With --out: write one HTML file.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port. [default: a free one]"
)
@click.option("--no-open", is_flag=True, help="Only print the address.")
@click.pass_context
def play(context, models, instrument, out, single_file, port, no_open):
    """Play instruments live, in the browser.

    From the keys of screen and computer, a MIDI keyboard, your voice, or a recording. MODEL is a
    run, a .keras file, an exported model, the folder that `ddsp-tf run` wrote, or bundled:violin
    (the default); `ddsp-tf instruments` lists what comes with the package. Several share one page:
    bundled:ensemble is seven. No data leaves this machine. Ctrl-C ends the command.

    \b
    Example:
        ddsp-tf play bundled:violin my_run
        ddsp-tf play my_run --out my_instrument.html --single-file
    """
    if single_file and out is None:
        raise click.UsageError("--single-file needs --out")
    for name, flag in {"port": "--port", "no_open": "--no-open"}.items():
        given = context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        if out is not None and given:
            raise click.UsageError(f"{flag} does nothing with --out, which writes a page; omit it")
    from ddsp_tf.app.live_instruments import live_instruments
    from ddsp_tf.app.pages.live_page import check_target, write_live_page

    models = models or ("bundled:violin",)
    if out is not None:
        check_target(out, single_file)
    instruments = []
    with progress_bar("loading", len(models)) as advance:
        for number, model in enumerate(models):
            advance(number, text=printable(model))
            instruments += live_instruments(model, instrument)
        advance(len(models))
    if out is not None:
        click.echo(printable(write_live_page(out, instruments, single_file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _serve(write_live_page(Path(folder, "page"), instruments).parent, port, not no_open)


def _serve(folder: Path, port: int, opened: bool) -> None:
    """Serves a page until Ctrl-C."""
    from ddsp_tf.app.serving import serving

    with serving(folder, port) as address:
        click.echo(f"{address} plays until you press Ctrl-C here")
        if opened and not webbrowser.open(address):
            click.echo("no browser was found; open the address yourself", err=True)
        threading.Event().wait()
