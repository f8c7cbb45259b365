"""Commands for recordings, features and datasets."""

from pathlib import Path

import click

from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.app.cli.info_command import print_dataset
from ddsp_tf.app.cli.options import (
    channel_option,
    configuration_options,
    seed_option,
    split_options,
)
from ddsp_tf.files.names import below_here, printable

# Number of lines of each kind that are printed; the page has all of them.
_LINES = 20


@click.command()
@click.argument("audio", nargs=-1, required=True)
@click.option("--out", required=True, type=Path, help="Folder of the dataset to write.")
@configuration_options
@split_options
@click.option(
    "--silence",
    type=click.Choice(["keep", "trim", "skip"]),
    default="trim",
    show_default=True,
    help="Pauses of a second or more: kept, removed at both ends, or everywhere.",
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
    help="One gain for each recording: to a peak of -1 dBFS, or to -20 dBFS RMS.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Recordings measured at a time. [default: one for each processor]",
)
@click.option("--fresh", is_flag=True, help="Measure everything again.")
@click.option(
    "--runner",
    metavar="NAME",
    help="Measure with Apache Beam: DaskRunner, FlinkRunner, DataflowRunner, DirectRunner. Needs "
    "pip install ddsp-tf[beam], for Dask ddsp-tf[dask].",
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
    "[default: all share the disks with the recordings and the results]",
)
@channel_option
@seed_option
def prepare(
    audio, out, config, overrides, validation, validation_share, silence, silence_db, normalize,
    jobs, fresh, runner, beam_options, beam_folder, channel, seed,
):  # fmt: skip
    """Turn recordings into a dataset.

    It contains sound, pitch and loudness, ready for training, and a page to look at, dataset.html.
    AUDIO are files or folders of recordings of one monophonic instrument or voice (.wav, .flac,
    .mp3 and others; .m4a, .mp4 and .webm with pip install ddsp-tf[media]), or bundled:violin. The
    configuration sets the sample rate and the frame rate of the model.

    If the command is stopped, running it again resumes the work. If recordings are added to AUDIO,
    it measures only the new ones.

    \b
    Example:
        ddsp-tf prepare my_recordings/ --out my_dataset
    """
    from ddsp_tf.app.pages.dataset_page import write_dataset_page
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.data.preparation import prepare_dataset
    from ddsp_tf.data.rules import PreparationRules

    rules = PreparationRules(silence, silence_db, normalize, channel)
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
            on_progress=advance,
            on_note=lambda text: click.echo(printable(text), err=True),
        )
    page = write_dataset_page(manifest)
    print_flagged(manifest)
    print_dataset(out, manifest)
    click.echo(printable(f"To see what the model will hear, open {below_here(page)}"))


def print_flagged(manifest):
    """Prints the recordings to look at, and the skipped ones with reasons."""
    flagged = [
        f"look at {recording.source}: {flag}"
        for recording in manifest.recordings
        for flag in recording.flags
    ]
    skipped = [f"skipped {recording.source}: {recording.reason}" for recording in manifest.skipped]
    for lines in (flagged, skipped):
        for line in lines[:_LINES]:
            click.echo(printable(line), err=True)
        if len(lines) > _LINES:
            click.echo(f"... and {len(lines) - _LINES} more, see dataset.html", err=True)
    count = len(manifest.recordings) + len(manifest.skipped)
    if manifest.skipped:
        click.echo(f"{len(manifest.skipped)} of {count} recordings skipped", err=True)
    rates = [recording.file_rate for recording in manifest.recordings]
    low = [rate for rate in rates if rate < manifest.sample_rate]
    if low:
        click.echo(
            f"{len(low)} of {len(rates)} recordings have a lower sample rate (down to {min(low)} "
            f"Hz) than the model ({manifest.sample_rate} Hz): above {min(low) / 2000:g} kHz they "
            "are empty; use a configuration of that rate",
            err=True,
        )


def _measurer(runner, beam_options, beam_folder):
    """Returns a measurer with Beam, or None for threads."""
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
@configuration_options
@channel_option
def features(audio, out, config, overrides, channel):
    """Measure pitch and loudness of a recording.

    OUT is an .npz file (or .csv, .json) that every exported model plays. The configuration sets the
    frame rate; name the one that the model was trained with.

    \b
    Example:
        ddsp-tf features take1.wav take1.npz --config demo
    """
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.audio.reading import read_audio
    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.files.names import check_suffix
    from ddsp_tf.inference.feature_files import SUFFIXES, save_features
    from ddsp_tf.inference.output_file import check_output

    audio = resolve(audio)
    check_output(check_suffix(out, SUFFIXES), [audio])
    extractor = load_extractor(config, overrides)
    recording = read_audio(audio, extractor.sample_rate, channel, 1 / extractor.frame_rate)
    curves = extractor.extract(recording)
    save_features(out, curves, extractor.frame_rate, extractor.tracker.describe())
    voiced = float((curves["f0_confidence"] >= 0.5).mean())
    click.echo(
        f"{printable(out)}: {len(curves['f0_hz'])} frames at {extractor.frame_rate} a second, "
        f"{voiced:.0%} of them with pitch"
    )


@click.command()
@click.argument("source", metavar="AUDIO_OR_FEATURES")
@click.argument("out", type=Path)
@click.option("--pitch-bend", is_flag=True, help="Follow the measured pitch by pitch bend (MIDI).")
@configuration_options
@channel_option
@click.pass_context
def notes(context, source, out, pitch_bend, config, overrides, channel):
    """Write the notes of a recording as MIDI or CSV.

    AUDIO_OR_FEATURES is a recording of one monophonic instrument or voice (bundled:violin, too),
    or a feature file. OUT is a .mid file, or a .csv file with onset, offset, key, cents, level and
    confidence of every note.

    \b
    Example:
        ddsp-tf notes take1.wav take1.mid
    """
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.audio.reading import read_audio
    from ddsp_tf.configuration.experiment import load_extractor
    from ddsp_tf.errors import UserError
    from ddsp_tf.features.transcription import transcribe
    from ddsp_tf.files.names import check_suffix
    from ddsp_tf.inference import feature_files
    from ddsp_tf.inference.note_files import SUFFIXES, save_notes
    from ddsp_tf.inference.output_file import check_output

    source = resolve(source)
    is_midi = check_suffix(out, SUFFIXES).suffix.lower() != ".csv"
    if pitch_bend and not is_midi:
        raise click.UsageError("--pitch-bend needs a .mid file to write")
    check_output(out, [source])
    if source.suffix.lower() in feature_files.SUFFIXES:
        for name, flag in {
            "config": "--config",
            "overrides": "--set",
            "channel": "--channel",
        }.items():
            if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise click.UsageError(f"{flag} needs a recording; found a feature file")
        curves, frame_rate = feature_files.load_features(source)
        found = transcribe(curves, frame_rate)
    else:
        extractor = load_extractor(config, overrides)
        frame_rate, sample_rate = extractor.frame_rate, extractor.sample_rate
        audio = read_audio(source, sample_rate, channel, 1 / frame_rate)
        curves = extractor.extract(audio)
        found = transcribe(curves, frame_rate, audio, sample_rate)
    if not found:
        raise UserError(
            f"{source}: no note was found; expected a recording of one instrument or voice"
        )
    save_notes(out, found, curves["f0_hz"] if pitch_bend else None, frame_rate)
    keys = [round(note.midi) for note in found]
    click.echo(f"{printable(out)}: {len(found)} notes, MIDI {min(keys)} to {max(keys)}")
