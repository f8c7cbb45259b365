"""Climbs the acceptance ladder: `make ladder`.

    python benchmarks/ladder/climb.py --out ladder_result
    python benchmarks/ladder/climb.py --out result --recordings my_recordings --config fast

Every rung is a claim about training with a bound on a number. Exit code 1 if a gate does not hold.
"""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from gates import Result
from page import write_pages
from plan import Plan, make_plan
from rich.console import Console
from rich.table import Table

from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.errors import UserError

RUNGS = (1, 2, 3, 4, 5, 6)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--out", required=True, type=Path, help="Folder of the results; replaced.")
@click.option(
    "--config",
    help="Configuration to train. [default: demo on a CPU, solo_instrument on a GPU]",
)
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Change a setting.")
@click.option(
    "--recordings",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Climb on the audio files of this folder, too.",
)
@click.option(
    "--held-out",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Audio files to hold out. [default: every sixth of --recordings]",
)
@click.option(
    "--rungs",
    default=",".join(map(str, RUNGS)),
    show_default=True,
    help="Which rungs, separated by commas.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quick", is_flag=True, help="Few steps and wider bounds, to see that it runs.")
def main(out, config, overrides, recordings, held_out, rungs, seed, quick):
    """Climb the acceptance ladder."""
    # Every rung has its own models, and each of them is traced once.
    logging.getLogger("tensorflow").addFilter(lambda r: "retracing" not in r.getMessage())
    try:
        chosen = _rungs(rungs)
        _check_folder(out)
        config = config or _default_configuration()
        plan = make_plan(config, seed, quick, tuple(overrides))
        results = climb(plan, out, chosen, recordings, held_out)
    except UserError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    _print(results, out)
    sys.exit(0 if all(result.passed for result in results) else 1)


def climb(
    plan: Plan, out: Path, rungs: set[int], recordings: Path | None, held_out: Path | None
) -> list[Result]:
    """Runs rungs in turn; writes the files of each, and updates the pages after it.

    Args:
        plan: Steps and bounds.
        out: Folder of the results.
        rungs: Names of the rungs.
        recordings: Folder of further recordings; None for only the bundled ones.
        held_out: Folder of recordings to hold out.

    Returns:
        The results.
    """
    import material as materials
    import recovery
    import timbre

    results: list[Result] = []

    def run(number: int, name: str, rung: Callable[[Path, Callable], list[Result]]):
        if number not in rungs and not (number == 3 and 4 in rungs):
            return
        folder = out / name
        folder.mkdir(parents=True)
        started = time.monotonic()
        with progress_bar(name) as advance:
            found = rung(folder, _showing(advance))
        for result in found:
            result.seconds = (time.monotonic() - started) / len(found)
            result.write()
        results.extend(found)
        write_pages(out, plan, results)

    run(1, "1_recovery", lambda *given: [recovery.climb(plan, *given)])
    choices = [materials.bundled_violin()]
    if recordings:
        choices.append(materials.given(recordings, held_out))
    for material in choices:
        _climb_on(plan, material, run, made=material is choices[0])
    run(6, "6_timbre", lambda *given: [timbre.climb(plan, *given)])
    return results


def _climb_on(plan, material, run, made: bool):
    import ablation
    import many_clips
    import one_clip

    def three_and_four(folder, on_step):
        trained = many_clips.train_on_clips(plan, material, folder, on_step)
        parts = []
        for name, rung in (
            ("3_files", many_clips.climb_training),
            ("4_held_out", many_clips.climb_held_out),
        ):
            (folder / name).mkdir()
            parts.append(rung(plan, material, folder / name, trained))
        return parts

    def five(folder, on_step):
        return [ablation.climb(plan, material, folder, on_step, made=made)]

    run(2, f"2_one_clip_{material.name}", lambda *g: [one_clip.climb(plan, material, *g)])
    run(3, f"3_and_4_clips_{material.name}", three_and_four)
    run(5, f"5_ablation_{material.name}", five)


def _showing(advance):
    def on_step(step, steps, numbers):
        text = f"loss {numbers['loss']:.2f}" if "loss" in numbers else ""
        advance(step, steps, text)

    return on_step


def _rungs(text: str) -> set[int]:
    names = [part.strip() for part in text.split(",")]
    known = list(map(str, RUNGS))
    for name in names:
        if name not in known:
            raise UserError(f"--rungs {text}: no rung {name!r}; expected some of {','.join(known)}")
    return set(map(int, names))


def _check_folder(out: Path):
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: is there already; name a new or an empty folder")


def _default_configuration() -> str:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return "solo_instrument" if jax.default_backend() == "gpu" else "demo"
    import tensorflow as tf

    return "solo_instrument" if tf.config.list_physical_devices("GPU") else "demo"


def _print(results: list[Result], out: Path):
    table = Table(title="acceptance ladder", title_justify="left")
    for column in ("rung", "material", "gate", "found", "wanted", ""):
        table.add_column(column, justify="right" if column == "found" else "left")
    for result in results:
        for number, gate in enumerate(result.gates):
            first = number == 0
            table.add_row(
                f"{result.rung} {result.title}" if first else "",
                result.material if first else "",
                gate.what,
                f"{gate.value:.3g}",
                gate.wanted,
                "[green]holds[/]" if gate.passed else "[red]FAILS[/]",
                end_section=number == len(result.gates) - 1,
            )
    Console(file=sys.stdout).print(table)
    click.echo(f"{out / 'ladder.md'} {out / 'index.html'}")


if __name__ == "__main__":
    main()
