"""Commands about recordings, features and datasets."""

from pathlib import Path

import click

from ddsp_tf.app.cli.console import print_table, progress_bar
from ddsp_tf.app.cli.options import configuration_options, seed_option, split_options


@click.command()
@click.argument("audio", nargs=-1, required=True)
@click.option("--out", required=True, type=Path, help="Folder of the dataset to write.")
@configuration_options("solo_instrument")
@split_options
@click.option(
    "--silence",
    type=click.Choice(["keep", "trim", "skip"]),
    default="trim",
    show_default=True,
    help="Pauses of a second or more: kept, taken away at both ends, or everywhere.",
)
@click.option(
    "--silence-db",
    type=float,
    default=-60.0,
    show_default=True,
    help="Level below which a frame is silent, in dB re full scale.",
)
@click.option(
    "--normalize",
    type=click.Choice(["none", "peak", "rms"]),
    default="none",
    show_default=True,
    help="One gain for each recording: to peak at -1 dBFS, or to sound at -20 dBFS RMS.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Recordings measured at a time. [default: one for each processor]",
)
@click.option("--fresh", is_flag=True, help="Measure everything anew.")
@click.option(
    "--runner",
    metavar="NAME",
    help="Measure with Apache Beam: DirectRunner, FlinkRunner, DataflowRunner. Needs "
    "pip install ddsp-tf[beam].",
)
@click.option(
    "--beam-option",
    "beam_options",
    multiple=True,
    metavar="OPTION",
    help="A pipeline option such as --beam-option=--project=mine. May be repeated.",
)
@click.option(
    "--beam-folder",
    metavar="FOLDER",
    help="Folder or bucket that the driver and all workers of Beam can read and write. "
    "[default: recordings and results are on disks that all share]",
)
@seed_option
def prepare(
    audio, out, config, overrides, validation, validation_share, silence, silence_db, normalize,
    jobs, fresh, runner, beam_options, beam_folder, seed,
):  # fmt: skip
    """Turn recordings into a dataset.

    It holds sound, pitch and loudness, ready for training, and a page to look at, dataset.html.
    AUDIO are files or folders of recordings of one monophonic instrument or voice, in any format
    that libsndfile reads; or bundled:violin. The configuration says which sample rate and frame
    rate the model will want.

    The same command goes on after a stop. With more recordings in AUDIO, it measures only these.

    \b
    Example:
        ddsp-tf prepare my_recordings/ --out my_dataset
    """
    from ddsp_tf.app.pages.dataset_page import write_dataset_page
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.data.preparation import prepare_dataset
    from ddsp_tf.data.rules import PreparationRules

    rules = PreparationRules(silence, silence_db, normalize)
    measurer = _measurer(runner, beam_options, beam_folder)
    extractor = load_extractor(config, overrides)
    with progress_bar("preparing") as advance:
        manifest = prepare_dataset(
            [resolve(name) for name in audio],
            out,
            extractor=extractor,
            validation=[resolve(name) for name in validation],
            validation_share=validation_share,
            rules=rules,
            seed=seed,
            jobs=jobs,
            fresh=fresh,
            measurer=measurer,
            on_progress=lambda done, total, name: advance(done, name, total),
        )
    page = write_dataset_page(manifest)
    say_what_stands_out(manifest)
    if manifest.skipped:
        files = len(manifest.recordings) + len(manifest.skipped)
        click.echo(f"{len(manifest.skipped)} of {files} files skipped", err=True)
    _print_dataset(out, manifest)
    click.echo(f"To see what the model will hear, open {page}")


def say_what_stands_out(manifest):
    """Prints which recordings to look at, and which were skipped, and why."""
    for recording in manifest.recordings:
        for flag in recording.flags:
            click.echo(f"look at {recording.source}: {flag}", err=True)
    for skipped in manifest.skipped:
        click.echo(f"skipped {skipped.source}: {skipped.reason}", err=True)


def _measurer(runner, beam_options, beam_folder):
    """Gives a way to measure by Beam, or None for threads."""
    from ddsp_tf.errors import UserError

    if runner is None:
        if beam_options or beam_folder:
            raise UserError("--beam-option and --beam-folder: need --runner, such as DirectRunner")
        return None
    from ddsp_tf.data.beam import BeamMeasurer

    return BeamMeasurer(runner, beam_options, beam_folder)


@click.command()
@click.argument("audio")
@click.argument("out", type=Path)
@configuration_options("solo_instrument")
def features(audio, out, config, overrides):
    """Measure pitch and loudness of a recording.

    OUT is an .npz file (or .csv, .json) that every exported model plays. The configuration says
    how many frames a second; name the one the model was trained with.

    \b
    Example:
        ddsp-tf features take1.wav take1.npz --config demo
    """
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.audio.files import read_audio
    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.inference.feature_files import save_features

    extractor = load_extractor(config, overrides)
    curves = extractor.extract(read_audio(resolve(audio), extractor.sample_rate))
    save_features(out, curves, extractor.frame_rate, extractor.tracker.describe())
    voiced = float((curves["f0_confidence"] >= 0.5).mean())
    click.echo(
        f"{out}: {len(curves['f0_hz'])} frames at {extractor.frame_rate} a second, "
        f"{voiced:.0%} of them with pitch"
    )


@click.command()
@click.argument("path", type=Path)
def info(path):
    """Say what a dataset, a run or an exported model is.

    \b
    Example:
        ddsp-tf info my_dataset
    """
    from ddsp_tf.data.manifest import load_manifest
    from ddsp_tf.errors import UserError
    from ddsp_tf.files.export_description import read_description
    from ddsp_tf.files.run_directory import RunDirectory

    if (path / "dataset.json").exists():
        _print_dataset(path, load_manifest(path))
    elif (path / "run.json").exists():
        _print_run(RunDirectory(path))
    elif (path / "model.json").exists():
        _print_export(path, read_description(path))
    elif not path.exists():
        raise UserError(f"{path}: not found; expected a dataset, a run or an export")
    else:
        raise UserError(f"{path}: neither a dataset, nor a run, nor an export")


def _range(numbers: dict | None, unit: str, decimals: int = 0) -> str:
    if not numbers or numbers.get("p5") is None:
        return "-"
    return f"{numbers['p5']:.{decimals}f} to {numbers['p95']:.{decimals}f} {unit} (5 to 95 %)"


def _print_dataset(path, manifest):
    minutes = manifest.statistics["minutes"]
    flagged = sum(bool(recording.flags) for recording in manifest.recordings)
    given = sum(recording.seconds for recording in manifest.recordings) / 60.0
    rows = [
        ("files", f"{len(manifest.recordings)}, skipped {len(manifest.skipped)}"),
        ("to look at", f"{flagged} of the files"),
        ("minutes given", f"{given:.2f}"),
        *((f"{split} minutes", f"{value:.2f}") for split, value in minutes.items()),
        ("silence", f"{manifest.rules['silence']}, below {manifest.rules['silence_db']:g} dB"),
        (
            "levels",
            "as recorded"
            if manifest.rules["normalize"] == "none"
            else f"normalized by {manifest.rules['normalize']}",
        ),
        ("sample rate", f"{manifest.sample_rate} Hz"),
        ("frame rate", f"{manifest.frame_rate} frames/s, hop {manifest.hop}"),
        ("pitch tracker", _tracker(manifest.extractor)),
        ("pitch", _range(manifest.statistics.get("f0_hz"), "Hz")),
        ("loudness", _range(manifest.statistics.get("loudness_db"), "dB")),
        ("voiced", f"{manifest.statistics['voiced_share']:.0%}"),
    ]
    print_table(f"dataset {path}", rows)


def _tracker(extractor: dict) -> str:
    tracker = extractor["pitch_tracker"]
    return f"{tracker['name']} {tracker['version']}"


def _print_run(run):
    from ddsp_tf.evaluation.record import read_evaluation
    from ddsp_tf.evaluation.wording import wording

    record = run.read()
    rows = [
        ("dataset", record["dataset"]),
        ("configuration", record["config"]),
        ("steps", f"{record.get('step', 0)} of {record['steps']}"),
        ("seed", record["seed"]),
    ]
    for name in ("first_validation_loss", "best_validation_loss"):
        if name in record:
            rows.append((name.replace("_", " "), f"{record[name]:.3f}"))
    if run.evaluation.exists():
        evaluation = read_evaluation(run)
        rows.append(("evaluated on", evaluation.described_clips))
        for name in ("spectral_loss", "loudness_l1_db", "f0_l1_semitones", "f0_outlier_share"):
            value = evaluation.summary.get(name)
            rows.append((wording(name).label.lower(), wording(name).text(value)))
    print_table(f"run {run.path}", rows)


def _print_export(path, description):
    rows = [
        ("features", ", ".join(description.features)),
        ("sample rate", f"{description.sample_rate} Hz"),
        ("frame rate", f"{description.frame_rate:g} frames/s, hop {description.hop}"),
        ("trained steps", description.trained_steps),
    ]
    for name, file in description.files.items():
        rows.append((name, f"{file.bytes / 1e6:.2f} MB"))
    print_table(f"exported model {path}", rows)
