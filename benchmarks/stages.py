"""Measures the stages of `ddsp-tf run`, next to those of another version.

    python benchmarks/stages.py bundled:violin --config demo
    python benchmarks/stages.py sax/ --config fast_dry --set train.steps=5000 \
        --before other_clone/.venv/bin/ddsp-tf

Each version works in its own process and an empty folder, and the files that it writes show when a
stage ends. The first stage includes the start of the program. With --gpus, both versions work at
the same time, each on one GPU and half of the CPU cores.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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


def measure(
    program: Sequence[str],
    arguments: Sequence[str],
    out: Path,
    environment: Mapping[str, str] | None = None,
) -> list[float]:
    """Runs a version.

    Args:
        program: Command that is its `ddsp-tf`.
        arguments: Arguments of `ddsp-tf run`, without --out.
        out: Folder of the results, which does not exist.
        environment: Environment of the process; by default that of this one.

    Returns:
        Seconds of each stage, of what follows the last one, and of all together.
    """
    ends = []
    start = time.perf_counter()
    command = [*program, "run", "--out", str(out), *arguments]
    with tempfile.TemporaryFile("w+") as output:
        with subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as process:
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


def measure_each(
    programs: Mapping[str, Sequence[str]], arguments: Sequence[str], gpus: Sequence[str]
) -> dict[str, list[float]]:
    """Runs all versions, one after the other, or at the same time on a GPU each."""
    cores = sorted(os.sched_getaffinity(0)) if gpus else []
    share = len(cores) // len(programs)

    def run(number: int, name: str) -> list[float]:
        program, environment = list(programs[name]), dict(os.environ)
        if gpus:
            own = cores[number * share : (number + 1) * share]
            program = ["taskset", "--cpu-list", ",".join(map(str, own)), *program]
            environment["CUDA_VISIBLE_DEVICES"] = gpus[number]
        with tempfile.TemporaryDirectory() as folder:
            return measure(program, arguments, Path(folder, "out"), environment)

    with ThreadPoolExecutor(len(programs) if gpus else 1) as executor:
        return dict(zip(programs, executor.map(run, range(len(programs)), programs), strict=True))


@click.command(help=__doc__.splitlines()[0])
@click.argument("recordings", nargs=-1, required=True)
@click.option("--config", default="demo", show_default=True)
@click.option("--set", "overrides", multiple=True, help="Bindings, as for ddsp-tf run.")
@click.option("--before", help="Path of the ddsp-tf of another version, which runs first.")
@click.option("--gpus", default="", help="A GPU for each version, such as 0,1. [Linux]")
def main(recordings, config, overrides, before, gpus):
    """Runs one version or two, and prints a table."""
    arguments = ["--config", config, *(f"--set={one}" for one in overrides), "--", *recordings]
    programs = {"before": [before]} if before else {}
    programs["after" if before else "seconds"] = [sys.executable, "-m", "ddsp_tf.app.cli"]
    chosen = gpus.split(",") if gpus else []
    if chosen and len(chosen) != len(programs):
        raise click.UsageError(f"--gpus is {gpus}; expected {len(programs)} with commas between")
    versions = measure_each(programs, arguments, chosen)
    click.echo(f"{', '.join(describe_machine().values())}\n\n{table(versions)}")


if __name__ == "__main__":
    main()
