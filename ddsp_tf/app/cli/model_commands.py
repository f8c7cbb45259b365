"""Commands for models: train, evaluate, export."""

import math
from pathlib import Path

import click

from ddsp_tf.app.cli.console import print_table, progress_bar
from ddsp_tf.app.cli.joining import process_options
from ddsp_tf.app.cli.options import (
    by_instrument,
    chosen_configuration,
    configuration_options,
    instrument_option,
    seed_option,
    start_option,
)


@click.command()
@configuration_options
@start_option
@click.option(
    "--data",
    required=True,
    multiple=True,
    metavar="[NAME=]FOLDER",
    help="Dataset, from `ddsp-tf prepare`. Several are mixed; with names, such as cello=FOLDER, "
    "the model plays each instrument by its name.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    type=click.FloatRange(min=0.0, min_open=True),
    help="Share of each --data, in order. [default: by length, the same for all instruments]",
)
@click.option("--run", "run_folder", required=True, type=Path, help="Folder of the run.")
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    help="GPUs of this process to divide its part of each batch over. [default: 1, or all where "
    "several processes train together]",
)
@process_options
@seed_option
@click.pass_context
def train(context, config, start_from, overrides, data, weights, run_folder, devices, seed):
    """Train a model on a dataset.

    The same command resumes a training that was stopped. The run's folder contains checkpoints, the
    best model so far (best.keras), metrics.csv and TensorBoard logs (logs/), and renders to listen
    to (renders/).

    \b
    Example:
        ddsp-tf train --config demo --data my_dataset --run my_run --set train.steps=3000
        ddsp-tf train --from bundled:violin --data my_dataset --run my_run
        ddsp-tf train --config ensemble --data cello=cello_data --data sax=sax_data --run both
    """
    from ddsp_tf.training.processes import process_number
    from ddsp_tf.training.run import train_run

    with progress_bar("training") as advance:
        summary = train_run(
            chosen_configuration(context, config, start_from),
            by_instrument(data),
            run_folder,
            start_from=start_from,
            overrides=overrides,
            seed=seed,
            weights=weights or None,
            devices=devices,
            on_step=show_training(advance),
            on_warning=advance.note,
        )
    if process_number() == 0:
        print_training(run_folder, summary)


def show_training(advance):
    """Returns a callback that moves a training bar."""
    text = {}

    def on_step(step, steps, numbers):
        if "loss" in numbers:
            text["loss"] = f"loss {numbers['loss']:.2f}"
        if "validation_loss" in numbers:
            text["validation"] = f"held out {numbers['validation_loss']:.2f}"
        advance(step, steps, "  ".join(text.values()))

    return on_step


def print_training(folder: Path, summary: dict):
    """Prints the outcome of a training run."""
    rows = [("steps", summary["step"]), ("training time", f"{summary['seconds']:.0f} s")]
    if "best_validation_loss" in summary:
        best = summary["best_validation_loss"]
        # run.json has no numbers that are not finite.
        first = summary.get("first_validation_loss", math.nan)
        rows.append(("spectral loss, held out, at first", f"{first:.2f}"))
        rows.append(("spectral loss, held out, best", f"{best:.2f} ({best / first - 1:+.0%})"))
    rows.append(("best model", folder / "best.keras"))
    print_table(f"run {folder}", rows)


@click.command()
@click.argument("run_folder", metavar="RUN", type=Path)
@click.option(
    "--data",
    multiple=True,
    type=Path,
    help="Dataset to evaluate on; may be given several times. [default: those trained on]",
)
@click.option(
    "--split",
    type=click.Choice(["validation", "train", "all"]),
    help="Part of the dataset. [default: validation of a dataset that was trained on, all of "
    "another]",
)
@click.option(
    "--clip-seconds",
    type=click.FloatRange(0.1, 60.0),
    default=4.0,
    show_default=True,
    help="Length of the clips.",
)
def evaluate(run_folder, data, split, clip_seconds):
    """Measure a model and make a page to listen to.

    Plays held-out clips through the best model of a run. Writes evaluation.json and report.html
    into the run's folder.

    \b
    Example:
        ddsp-tf evaluate my_run
    """
    from ddsp_tf.app.pages.report import write_report
    from ddsp_tf.app.project import run_of
    from ddsp_tf.evaluation.evaluator import evaluate_run
    from ddsp_tf.files.run_directory import RunDirectory
    from ddsp_tf.inference.bundled import resolve_model

    if resolve_model(run_folder) != run_folder:
        raise click.UsageError(f"{run_folder} is part of the package; expected a run of your own")
    run = RunDirectory(run_of(run_folder))
    with progress_bar("evaluating") as advance:
        evaluation = evaluate_run(
            run,
            data,
            split=split,
            clip_seconds=clip_seconds,
            on_progress=advance,
        )
    write_report(run, evaluation)
    print_evaluation(run, evaluation.record)


def print_evaluation(run, evaluation):
    """Prints the measures of an evaluation, and its clips."""
    from ddsp_tf.evaluation.wording import wording

    rows = [("clips", evaluation.described_clips)]
    rows += [
        (wording(name).label.lower(), wording(name).text(value))
        for name, value in evaluation.summary.items()
        if not name[-1:].isdigit()
    ]
    print_table(f"evaluation {run.evaluation}", [*rows, ("page", run.report)])
    for note in evaluation.notes:
        click.echo(f"note: {note}", err=True)


@click.command()
@click.argument("run_folder", metavar="RUN", type=Path)
@click.option("--out", required=True, type=Path, help="Folder to write.")
@instrument_option
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    type=click.Choice(["float32", "float16", "int8"]),
    help="Further precisions of the LiteRT files, beside float32. [default: both]",
)
@click.option(
    "--page", is_flag=True, help="Add a page to play it live in browsers, page/, for a web server."
)
@click.option(
    "--single-file", is_flag=True, help="Make the page one file, page.html, that opens from a disk."
)
def export(run_folder, out, instrument, precisions, page, single_file):
    """Write a model as SavedModel and LiteRT.

    Takes the best model of a run (or bundled:violin), and checks what it wrote by playing it.

    \b
    Example:
        ddsp-tf export my_run --out my_model
    """
    from ddsp_tf.app.live_instruments import page_addition
    from ddsp_tf.app.project import instrument_of, run_of
    from ddsp_tf.export.exporter import export_run
    from ddsp_tf.files.run_directory import RunDirectory
    from ddsp_tf.inference.bundled import resolve_model

    precisions = tuple(dict.fromkeys(["float32", *(precisions or ["float16", "int8"])]))
    folder, instrument = instrument_of(run_of(resolve_model(run_folder)), instrument)
    addition = page_addition(folder, single_file) if page or single_file else None
    print_export(out, export_run(RunDirectory(folder), out, precisions, addition, instrument))


def print_export(out: Path, description):
    """Prints the files of an export."""
    rows = []
    for name, artifact in description.artifacts.items():
        size = f"{artifact['bytes'] / 1e6:6.2f} MB"
        difference, snr = artifact["largest_difference"], artifact["snr_db"]
        rows.append((name, f"{size}, differs by {difference:.1e} ({snr:.0f} dB)"))
    for name, file in description.files.items():
        if name.endswith((".wav", ".html")):
            rows.append((name, f"{file.bytes / 1e6:6.2f} MB"))
    for name, reason in description.not_written.items():
        rows.append((name, f"not written: {reason}"))
    print_table(f"exported model {out}", rows)
