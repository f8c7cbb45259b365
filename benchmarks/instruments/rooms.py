"""Cost and benefit of a learned room, on dry recordings and on the same recordings in a room.

    python benchmarks/instruments/rooms.py RECORDINGS --out rooms --only sax --only cello
    python benchmarks/instruments/rooms.py RECORDINGS --out rooms --config demo --steps 300 \\
        --set Reverb.length=16000 --variant dry --variant room

RECORDINGS has a folder per instrument with `train/` and `val/`. The room is noise that falls by 60
dB in 0.9 s, 3 dB softer than the direct sound. Existing results in the folder are kept.
"""

from pathlib import Path

import click
import numpy as np
import soundfile
from sets import chain_of, find_sets, learn, table

from ddsp_tf.errors import UserError

DRY = (
    "ProcessorGroup.nodes=[(@Harmonic(), ['amplitudes', 'harmonic_distribution', 'f0_hz']), "
    "(@FilteredNoise(), ['noise_magnitudes']), (@dry/Add(), ['harmonic', 'filtered_noise'])]"
)
MATCHED = ("Autoencoder.level_matching=@LevelMatching()", "LevelMatching.tolerance_db=1.0")
# Settings by name of the variant, added to those of the configuration.
VARIANTS = {
    "dry": (DRY, MATCHED[0], "LevelMatching.tolerance_db=0.5"),
    "room": ("train.room='keep'",),
    "auto": ("train.room='auto'",),
    "matched": ("train.room='keep'", *MATCHED),
    "slow": ("train.room='keep'", "Reverb.tap_scale=0.05"),
    "slow, matched": ("train.room='keep'", "Reverb.tap_scale=0.05", *MATCHED),
}

PLACES = ("dry", "roomy")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recordings", type=Path)
@click.option("--out", required=True, type=Path, help="Folder of the results.")
@click.option("--config", default="fast", show_default=True)
@click.option("--steps", type=int, default=5000, show_default=True)
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a setting.")
@click.option("--variant", "variants", multiple=True, type=click.Choice(list(VARIANTS)))
@click.option("--place", "places", multiple=True, type=click.Choice(PLACES))
@click.option("--only", multiple=True, metavar="NAME", help="Set to take; may be repeated.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(recordings, out, config, steps, overrides, variants, places, only, seed):
    """Train every variant on dry and on roomy recordings and print a table."""
    settings = [f"train.steps={steps}", "train.render_every=0", *overrides]
    rows = []
    try:
        for one in find_sets(recordings, only):
            for where in places or PLACES:
                place = one if where == "dry" else _in_room(one, out / "recordings" / one.name)
                for name in variants or VARIANTS:
                    folder = out / config / f"{one.name}_{where}_{name.replace(', ', '_')}"
                    options = {"overrides": [*settings, *VARIANTS[name]], "seed": seed}
                    result = learn(chain_of(place, folder, config, **options))
                    rows.append((f"{one.name}, {where}: {name}", result))
                    click.echo(f"{rows[-1][0]}: {result.summary['spectral_loss']:.3f}", err=True)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    page = table(rows, "recordings: variant")
    (out / f"{config}.md").write_text(page, encoding="utf-8")
    click.echo(page)


def _in_room(one: Path, folder: Path) -> Path:
    """Writes the recordings of a set as they sound in a room."""
    for path in sorted(one.glob("*/*.flac")):
        audio, rate = soundfile.read(path)
        time = np.arange(round(1.2 * rate)) / rate
        # The same in all recordings.
        noise = np.random.default_rng(3).normal(size=time.size)
        room = noise * 10.0 ** (-3.0 * time / 0.9)
        room = np.concatenate([[1.0], 0.7 * room / np.linalg.norm(room)])
        size = len(audio) + len(room)
        wet = np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(room, size), size)[: len(audio)]
        target = folder / path.relative_to(one)
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, wet * min(1.0, 0.99 / np.abs(wet).max()), rate)
    return folder


if __name__ == "__main__":
    main()
