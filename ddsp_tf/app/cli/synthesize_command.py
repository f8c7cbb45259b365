"""The command `synthesize`: plays curves, a recording or notes through a model."""

from pathlib import Path

import click

from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.app.cli.options import instrument_option, seed_option
from ddsp_tf.files.names import printable

_TRANSFER = ("octaves", "pitch_correction", "louder_db", "gate_db")


@click.command()
@click.argument("model", metavar="MODEL_OR_RUN", type=Path)
@click.argument("source", metavar="NOTES_FEATURES_OR_AUDIO")
@click.argument("out", type=Path)
@click.option(
    "--transfer",
    is_flag=True,
    help="Fit another instrument to the model: silent pauses, the octave and the levels of the "
    "training data.",
)
@click.option(
    "--octaves",
    type=click.IntRange(-6, 6),
    help="With --transfer: octaves to move by. [default: those nearest to the training data]",
)
@click.option(
    "--pitch-correction",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    show_default=True,
    help="With --transfer: from 0, as played, to 1, each note in tune.",
)
@click.option(
    "--louder-db",
    type=click.FloatRange(-60.0, 60.0),
    default=0.0,
    show_default=True,
    help="With --transfer: decibels added to the fitted level.",
)
@click.option(
    "--gate-db",
    type=click.FloatRange(min=0.0, min_open=True),
    default=45.0,
    show_default=True,
    help="With --transfer: what is softer than the loud parts by more than this is silent.",
)
@click.option(
    "--track",
    "tracks",
    multiple=True,
    metavar="NUMBER[=MODEL]",
    help="Notes: a track to play, counted from 0, by the model or by another one. Several "
    "are played together. [default: the first with notes]",
)
@click.option(
    "--expression",
    type=click.FloatRange(0.0, 1.5),
    default=1.0,
    show_default=True,
    help="Notes: how much of the recorded player's expression is played, from none to "
    "more than recorded.",
)
@click.option(
    "--expression-of",
    type=Path,
    metavar="MODEL",
    help="Notes: play with the expression of another model. [default: each its own]",
)
@click.option(
    "--vibrato",
    type=click.FloatRange(0.0, 200.0),
    default=0.0,
    show_default=True,
    help="Notes: vibrato added to each note, in cents either way.",
)
@click.option(
    "--chords",
    type=click.Choice(["highest", "lowest", "error"]),
    default="highest",
    show_default=True,
    help="Notes: which of two notes at once in a track is played.",
)
@click.option(
    "--move-octaves",
    is_flag=True,
    help="Notes: move notes by octaves that the model was not trained on.",
)
@click.option(
    "--humanize-ms",
    type=click.FloatRange(0.0, 100.0),
    default=0.0,
    show_default=True,
    help="Notes: move the starts of notes at random, by about so many milliseconds.",
)
@instrument_option
@seed_option
@click.pass_context
def synthesize(context, model, source, out, instrument, transfer, seed, **options):
    """Play notes, features or a recording through a model.

    MODEL_OR_RUN is a run, a .keras file, an exported model, the folder that `ddsp-tf run` wrote, or
    bundled:violin; NOTES_FEATURES_OR_AUDIO a .mid file or a .csv of notes (see `ddsp-tf notes`), an
    .npz, .csv or .json file of features, or a recording (such as bundled:flute). Any length; memory
    does not grow with it. The rows of features in a .csv may be hand-drawn breakpoints at any
    times.

    \b
    Example:
        ddsp-tf synthesize my_run humming.wav humming_as_violin.wav --transfer
        ddsp-tf synthesize my_run song.mid song.wav --track 1
        ddsp-tf synthesize my_ensemble humming.wav cello.wav --transfer --instrument cello
    """
    from ddsp_tf.app.project import instrument_of, player_of
    from ddsp_tf.app.recordings import resolve
    from ddsp_tf.audio.writing import output_format
    from ddsp_tf.inference.bundled import resolve_model
    from ddsp_tf.inference.note_files import holds_notes
    from ddsp_tf.inference.output_file import check_output

    model, mixture = instrument_of(player_of(resolve_model(model)), instrument)
    source = resolve(source)
    has_notes = holds_notes(source)
    _check_options(context, options, transfer, has_notes)
    check_output(out, [model, source])
    output_format(out, sample_rate=16000)
    play = _play_notes if has_notes else _play_curves
    seconds, sample_rate = play(model, mixture, source, out, transfer, seed, options)
    click.echo(f"{printable(out)}: {seconds:.1f} s at {sample_rate} Hz")


def _check_options(context, options, transfer, has_notes):
    if transfer and has_notes:
        raise click.UsageError("--transfer fits recordings and features; found notes")
    for name in options:
        given = context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        flag = "--track" if name == "tracks" else f"--{name.replace('_', '-')}"
        if given and name in _TRANSFER and not transfer:
            raise click.UsageError(f"{flag} needs --transfer")
        if given and name not in _TRANSFER and not has_notes:
            raise click.UsageError(
                f"{flag} needs notes, in a .mid file or as `ddsp-tf notes` writes"
            )


def _warn(text):
    click.echo(printable(f"warning: {text}"), err=True)


def _play_curves(model, mixture, source, out, transfer, seed, options):
    from ddsp_tf.audio.writing import output_format
    from ddsp_tf.inference.playing import load_player, play_to_file, read_curves

    player, extractor = load_player(model, mixture)
    output_format(out, player.sample_rate)
    curves = read_curves(source, player, extractor, on_warning=_warn)
    if transfer:
        adjustments = {name: options[name] for name in _TRANSFER}
        curves = _transferred(curves, player.frame_rate, model, adjustments)
    with progress_bar("playing") as advance:
        seconds = play_to_file(player, curves, out, seed, on_progress=advance, on_warning=_warn)
    return seconds, player.sample_rate


def _transferred(curves, frame_rate, model, adjustments):
    from ddsp_tf.features.transfer import transfer_curves
    from ddsp_tf.inference.playing import load_ranges

    fitted = transfer_curves(curves, frame_rate, load_ranges(model), **adjustments)
    if not fitted.notes.any():
        click.echo("warning: transfer: no note was found, so the result is silent", err=True)
        return fitted.curves
    click.echo(
        f"transfer: notes in {fitted.notes.mean():.0%} of the frames, pitch moved by "
        f"{fitted.octaves} octaves, level by {fitted.level_change_db:+.1f} dB",
        err=True,
    )
    return fitted.curves


def _play_notes(model, mixture, source, out, _, seed, options):
    from ddsp_tf.app.tracks import check_one_voice, choose_tracks, play_song
    from ddsp_tf.inference.note_files import read_notes
    from ddsp_tf.inference.songs import Manner, song_seconds

    parts = read_notes(source)
    chosen = choose_tracks(source, parts, options["tracks"], model, on_note=_note)
    if options["chords"] == "error":
        check_one_voice(source, chosen)
    manner = Manner(
        expression=options["expression"],
        vibrato_cents=options["vibrato"],
        chords=options["chords"],
        octaves=options["move_octaves"],
        humanize_s=options["humanize_ms"] / 1000.0,
        seed=seed,
    )
    total = -(-song_seconds(part for part, _ in chosen) // 1)
    with progress_bar("playing", int(total)) as advance:
        return play_song(
            chosen,
            out,
            manner,
            options["expression_of"],
            {} if mixture is None else {model: mixture},
            on_progress=advance,
            on_warning=_warn,
        )


def _note(text):
    click.echo(printable(f"note: {text}"), err=True)
