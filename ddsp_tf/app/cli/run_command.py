"""The command `run`: the whole chain."""

import contextlib
import functools
from pathlib import Path

import click

from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.app.cli.data_commands import print_flagged
from ddsp_tf.app.cli.options import (
    by_instrument,
    channel_option,
    chosen_configuration,
    configuration_options,
    seed_option,
    split_options,
    start_option,
)
from ddsp_tf.files.names import printable


@click.command()
@click.argument("audio", nargs=-1, required=True, metavar="[NAME=]AUDIO...")
@click.option("--out", required=True, type=Path, help="Folder for everything that is made.")
@configuration_options
@start_option
@split_options
@click.option(
    "--test",
    multiple=True,
    metavar="AUDIO",
    help="Recordings to evaluate on, never trained on. [default: the held-out part of AUDIO]",
)
@channel_option
@seed_option
@click.pass_context
def run(
    context,
    audio,
    out,
    config,
    start_from,
    overrides,
    validation,
    validation_share,
    test,
    channel,
    seed,
):
    """Recordings in, playable model out.

    Prepares, trains, evaluates and exports. Stages whose results still match are skipped, and a
    stopped training is resumed. A trained model that no longer matches is kept next to the new one.
    OUT will contain dataset/, run/ (with report.html) and export/. With names, one model learns
    several instruments.

    \b
    Example:
        ddsp-tf run my_recordings/ --out my_instrument
        ddsp-tf run cello=cello/ sax=sax/ --config ensemble --out both
    """
    from ddsp_tf.app.chain import Chain
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.files.locks import locked

    with locked(out, "run"):
        chain = Chain(
            _resolved(by_instrument(audio)),
            out,
            config=chosen_configuration(context, config, start_from),
            start_from=start_from,
            overrides=overrides,
            validation=[resolve(name) for name in validation],
            validation_share=validation_share,
            test=[resolve(name) for name in test],
            channel=channel,
            seed=seed,
            on_note=lambda text: click.echo(printable(text), err=True),
        )
        _run(chain, context.params["imports"])
    for line in chain.skipped:
        click.echo(f"{line}: up to date, skipped", err=True)


def _resolved(audio):
    from ddsp_tf.app.recordings import resolve

    if isinstance(audio, dict):
        return {name: [resolve(str(path)) for path in paths] for name, paths in audio.items()}
    return [resolve(str(path)) for path in audio]


def _run(chain, imports):
    from ddsp_tf.app.cli import model_commands

    with progress_bar("preparing") as advance:
        manifests = chain.prepare(advance)
    for manifest in manifests:
        print_flagged(manifest)
    with _begins_elsewhere(imports) as begin:
        with progress_bar("training") as advance:
            summary = chain.train(model_commands.show_training(advance), advance.note)
        model_commands.print_training(chain.run.path, summary)
        exported = chain.begin_export(begin)
        with progress_bar("evaluating") as advance:
            evaluation = chain.evaluate(advance)
        model_commands.print_evaluation(chain.run, evaluation)
        model_commands.print_export(chain.export_folder, exported())


@contextlib.contextmanager
def _begins_elsewhere(imports):
    """Yields the argument `begin` of `Chain.begin_export`.

    Beside a GPU, a second process exports during the evaluation, and imports its packages during
    the training. Otherwise it would take processors from the training.
    """
    from ddsp_tf.backend.placement import has_accelerator
    from ddsp_tf.backend.worker_process import WorkerProcess

    if not has_accelerator():
        yield functools.partial
        return
    with WorkerProcess([*imports, "ddsp_tf.export.exporter"]) as worker:
        yield worker.begin
