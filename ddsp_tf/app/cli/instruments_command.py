"""The command `instruments`, which lists the bundled models."""

import click


@click.command()
def instruments():
    """List the instruments that come with the package.

    Play, export or adapt each one as bundled:NAME; bundled:ensemble is the model of all of them.
    The range is that of the notes that they were trained on.

    \b
    Example:
        ddsp-tf instruments
        ddsp-tf synthesize bundled:cello song.mid song.wav
    """
    from ddsp_tf.app.cli.console import print_table
    from ddsp_tf.inference.bundled.credits import CREDITS

    for name, given in CREDITS.items():
        rows = [
            ("range", trained_range(name)),
            ("recordings", given.recordings),
            ("made by", given.makers),
            ("licence", given.licence),
        ]
        print_table(f"bundled:{name}", rows)


def trained_range(name: str) -> str:
    """Returns the lowest and highest notes that a bundled model was trained on, with their pitch.

    Example:
        >>> trained_range("flute")
        'C4 to A6, 262 to 1760 Hz'
    """
    from ddsp_tf.evaluation.style import note_name
    from ddsp_tf.files.run_directory import RunDirectory
    from ddsp_tf.inference.bundled import instrument
    from ddsp_tf.inference.songs import note_range

    ends = note_range(RunDirectory(instrument(name)).read()["feature_statistics"])
    low, high = (note_name(round(midi)) for midi in ends)
    lowest, highest = (440.0 * 2.0 ** ((midi - 69.0) / 12.0) for midi in ends)
    return f"{low} to {high}, {lowest:.0f} to {highest:.0f} Hz"
