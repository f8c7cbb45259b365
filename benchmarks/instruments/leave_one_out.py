"""The value of a base model: trained without an instrument, then adapted to a minute of it.

    python benchmarks/instruments/leave_one_out.py RECORDINGS --out left_out --phase base
    python benchmarks/instruments/leave_one_out.py RECORDINGS --out left_out --phase scratch
    CUDA_VISIBLE_DEVICES= taskset -c 0,1 \\
        python benchmarks/instruments/leave_one_out.py RECORDINGS --out left_out --phase adapt
    python benchmarks/instruments/leave_one_out.py RECORDINGS --out left_out --phase table

For each instrument: a base of all other sets, which is one model of several instruments; models
trained from scratch on all of it and on its first 60 s; and the base adapted to 60 and to 10 s, on
two CPU cores. All are measured on the held-out recordings of the set. Results that are already in
the folder are kept, so that phases may run on different machines.
"""

import json
import time
from pathlib import Path

import click
from sets import chain_of, find_sets, learn

from ddsp_tf.errors import UserError
from ddsp_tf.evaluation.record import read_evaluation
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.run import train_run

PHASES = ("base", "scratch", "adapt", "table")
SECONDS = (60.0, 10.0)
# Columns of the table: folders of the results.
COLUMNS = ("scratch_all", "scratch_60s", "adapted_60s", "adapted_10s")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recordings", type=Path)
@click.option("--out", required=True, type=Path, help="Folder of the results.")
@click.option("--phase", required=True, type=click.Choice(PHASES))
@click.option("--config", default="fast_dry", show_default=True)
@click.option("--steps", type=int, default=5000, show_default=True, help="Of scratch.")
@click.option("--base-steps", type=int, default=10000, show_default=True)
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a setting.")
@click.option("--only", multiple=True, metavar="NAME", help="Instrument to leave out.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(recordings, out, phase, config, steps, base_steps, overrides, only, seed):
    """Run one phase for all instruments that are left out."""
    settings = [f"train.steps={steps}", "train.render_every=0", *overrides]
    of_base = [f"train.steps={base_steps}", "train.render_every=0", *overrides]
    try:
        sets = find_sets(recordings)
        for left in find_sets(recordings, only):
            others = [one for one in sets if one != left]
            if phase == "base":
                _train_base(others, out / f"base_without_{left.name}", out, config, of_base, seed)
            elif phase == "scratch":
                for name, seconds in ((COLUMNS[0], None), (COLUMNS[1], SECONDS[0])):
                    place = out / name / left.name
                    options = {"overrides": settings, "seed": seed}
                    learn(chain_of(left, place, config, seconds, **options))
            elif phase == "adapt":
                _adapt(left, out, overrides, seed)
    except UserError as error:
        raise click.ClickException(str(error)) from error
    page = _table(out, [one.name for one in find_sets(recordings, only)])
    (out / "leave_one_out.md").write_text(page, encoding="utf-8")
    click.echo(page)


def _train_base(others, folder, out, config, settings, seed):
    datasets = {}
    for one in others:
        chain = chain_of(one, out / COLUMNS[0] / one.name, config, seed=seed)
        chain.prepare()
        datasets[one.name] = chain.dataset
    record = RunDirectory(folder).record
    if not record.exists() or not RunDirectory(folder).read()["step"]:
        train_run(config, datasets, folder, overrides=settings, seed=seed)


def _adapt(left, out, overrides, seed):
    for seconds in SECONDS:
        place = out / f"adapted_{seconds:g}s" / left.name
        base = out / f"base_without_{left.name}"
        options = {"overrides": overrides, "start_from": base, "seed": seed}
        chain = chain_of(left, place, None, seconds, **options)
        chain.prepare()
        started = time.monotonic()
        chain.train()
        if "training" not in chain.skipped:
            took = {"seconds": time.monotonic() - started, "steps": chain.steps}
            (place / "adaptation.json").write_text(json.dumps(took), encoding="utf-8")
        chain.evaluate()


def _table(out: Path, names: list[str]) -> str:
    """Writes held-out losses in Markdown, and the seconds that the adaptation to 60 s took."""
    lines = [
        "| left out | scratch, all | scratch, 60 s | adapted, 60 s | against all | against 60 s | "
        "adapted, 10 s | against 60 s | adaptation, s |",
        "| --- " * 9 + "|",
    ]
    for name in names:
        losses = [_loss(out / column / name / "run") for column in COLUMNS]
        whole, minute, adapted, ten = losses
        took = out / COLUMNS[2] / name / "adaptation.json"
        seconds = f"{json.loads(took.read_text())['seconds']:.0f}" if took.is_file() else "-"
        cells = [_number(whole), _number(minute), _number(adapted)]
        cells += [_ratio(adapted, whole), _ratio(adapted, minute)]
        cells += [_number(ten), _ratio(ten, minute), seconds]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _loss(folder: Path) -> float | None:
    run = RunDirectory(folder)
    return read_evaluation(run).summary["spectral_loss"] if run.evaluation.exists() else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _ratio(value: float | None, other: float | None) -> str:
    return "-" if value is None or other is None else f"{value / other - 1.0:+.1%}"


if __name__ == "__main__":
    main()
