"""A separate model for each set, measured on the held-out recordings of the set.

    python benchmarks/instruments/alone.py RECORDINGS --out instruments_alone
    python benchmarks/instruments/alone.py RECORDINGS --out result --config fast --only sax --seed 1

RECORDINGS has a folder per instrument with `train/` and `val/`. Existing results in the folder are
kept.
"""

from pathlib import Path

import click
from sets import chain_of, find_sets, learn, table

from ddsp_tf.errors import UserError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recordings", type=Path)
@click.option("--out", required=True, type=Path, help="Folder of the results.")
@click.option("--config", default="fast_dry", show_default=True)
@click.option("--steps", type=int, default=5000, show_default=True)
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a setting.")
@click.option("--only", multiple=True, metavar="NAME", help="Set to take; may be repeated.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--prepare-only", is_flag=True, help="Prepare the datasets and stop.")
def main(recordings, out, config, steps, overrides, only, seed, prepare_only):
    """Train every instrument alone and print a table."""
    settings = [f"train.steps={steps}", "train.render_every=0", *overrides]
    rows = []
    try:
        for one in find_sets(recordings, only):
            place = out / f"{config}_{seed}" / one.name
            chain = chain_of(one, place, config, overrides=settings, seed=seed)
            if prepare_only:
                chain.prepare()
                continue
            rows.append((one.name, learn(chain)))
            click.echo(f"{one.name}: {rows[-1][1].summary['spectral_loss']:.3f}", err=True)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    if rows:
        page = table(rows, "set")
        (out / f"{config}_{seed}.md").write_text(page, encoding="utf-8")
        click.echo(page)


if __name__ == "__main__":
    main()
