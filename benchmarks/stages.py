"""Measures the stages of `ddsp-tf run`, next to those of another version.

    python benchmarks/stages.py bundled:violin --config demo
    python benchmarks/stages.py sax/ --config fast_dry --set train.steps=5000 \
        --before other_clone/.venv/bin/ddsp-tf

Each version works in a process of its own and in an empty folder, and what it writes shows when a
stage ends. The first stage includes the start of the program.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from machine import describe_machine

_SECONDS_BETWEEN_LOOKS = 0.05


def _has_losses(out: Path) -> bool:
    path = out / "run/logs/metrics.csv"
    if not path.exists():
        return False
    with open(path, newline="", encoding="utf-8") as file:
        return any(row["loss"] for row in csv.DictReader(file))


def _is_trained(out: Path) -> bool:
    path = out / "run/run.json"
    return path.exists() and "seconds" in json.loads(path.read_text(encoding="utf-8"))


# What a stage is called, and whether it has ended.
STAGES: dict[str, Callable[[Path], bool]] = {
    "recordings to dataset": lambda out: (out / "dataset/dataset.json").exists(),
    "to the first logged steps": _has_losses,
    "to the last step": _is_trained,
    "evaluation": lambda out: (out / "run/evaluation.json").exists(),
    "report and exports": lambda out: (out / "export/model.json").exists(),
}


def measure(program: str, arguments: list[str], out: Path) -> list[float]:
    """Runs a version.

    Args:
        program: Path of its `ddsp-tf`.
        arguments: Arguments of `ddsp-tf run`, without --out.
        out: Folder of the results, which does not exist.

    Returns:
        Seconds of each stage, of what follows the last one, and of all together.
    """
    ends = []
    start = time.perf_counter()
    command = [program, "run", "--out", str(out), *arguments]
    with tempfile.TemporaryFile("w+") as output:
        with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
            running = True
            while running:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                running = process.poll() is None
                for ended in list(STAGES.values())[len(ends) :]:
                    if not ended(out):
                        break
                    ends.append(time.perf_counter() - start)
        whole = time.perf_counter() - start
        if process.returncode or len(ends) < len(STAGES):
            output.seek(0)
            raise click.ClickException(f"{' '.join(command)} failed:\n{output.read()}")
    return [end - begin for begin, end in zip([0.0, *ends], [*ends, whole], strict=True)] + [whole]


def table(versions: dict[str, list[float]]) -> str:
    """Formats the seconds of each version; with two, also what the second takes of the first."""
    columns = [*versions, "share"][: 3 if len(versions) > 1 else 1]
    lines = [f"| stage | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for name, *seconds in zip([*STAGES, "to the prompt", "all"], *versions.values(), strict=True):
        cells = [f"{value:.1f} s" for value in seconds]
        if len(seconds) > 1:
            cells.append(f"{seconds[1] / seconds[0]:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


@click.command(help=__doc__.splitlines()[0])
@click.argument("recordings", nargs=-1, required=True)
@click.option("--config", default="demo", show_default=True)
@click.option("--set", "overrides", multiple=True, help="Bindings, as for ddsp-tf run.")
@click.option("--before", help="Path of the ddsp-tf of another version, which runs first.")
def main(recordings, config, overrides, before):
    """Runs one version or two, and prints a table."""
    arguments = ["--config", config, *(f"--set={one}" for one in overrides), "--", *recordings]
    programs = {"before": before} if before else {}
    programs["after" if before else "seconds"] = str(Path(sys.executable).with_name("ddsp-tf"))
    versions = {}
    for name, program in programs.items():
        with tempfile.TemporaryDirectory() as folder:
            versions[name] = measure(program, arguments, Path(folder, "out"))
    click.echo(f"{', '.join(describe_machine().values())}\n\n{table(versions)}")


if __name__ == "__main__":
    main()
