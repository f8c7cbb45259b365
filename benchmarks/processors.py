"""Measures every processor and the spectral loss, next to the original in the same run.

    python benchmarks/processors.py --original .venv_original/bin/python --out benchmark.json

README.md in this folder explains the columns.
"""

import datetime
import itertools
import json
import sys
from pathlib import Path

import click
from inputs import CASES, Size
from machine import describe_machine, memory_bytes
from rich.console import Console
from rich.table import Table
from rival_workers import measure
from tables import COLUMNS, description, markdown, row


@click.command()
@click.option("--backend", type=click.Choice(["tensorflow", "jax"]), default="tensorflow")
@click.option("--cases", default=",".join(CASES), help="Names of cases, separated by commas.")
@click.option("--batch", "batches", default="4,16", help="Batch sizes, separated by commas.")
@click.option("--rates", default="16000,48000", help="Sample rates, separated by commas.")
@click.option("--seconds", default=4.0, help="Length of each clip.")
@click.option("--xla", is_flag=True, help="Let XLA compile TensorFlow's graphs; JAX always does.")
@click.option("--repeats", default=21, help="Most timed runs of each kind.")
@click.option("--patience", default=10.0, help="Seconds for the runs of a kind and a case.")
@click.option("--quick", is_flag=True, help="Two runs of half a second of audio at 16 kHz.")
@click.option("--original", help="Python of an environment with ddsp 3.7.0; see README.md.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write: .json or .md.")
def main(backend, cases, batches, rates, seconds, xla, repeats, patience, quick, original, out):
    """Prints a table of times and memory for each case and size."""
    names = cases.split(",")
    for name in names:
        if name not in CASES:
            raise click.BadParameter(f"no case {name!r}; expected some of {', '.join(CASES)}")
    if out is not None and out.suffix not in (".json", ".md"):
        raise click.BadParameter(f"--out {out}: expected a name that ends in .json or .md")
    if quick:
        batches, rates, seconds, repeats = batches.split(",")[0], "16000", 0.5, 2
    sizes = [
        Size(int(batch), int(rate), seconds)
        for rate, batch in itertools.product(rates.split(","), batches.split(","))
    ]
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": describe_machine(),
        "backend": backend,
        "compiler": "XLA" if xla or backend == "jax" else "none",
        "sizes": [],
    }
    console = Console(width=None if sys.stdout.isatty() else 130)
    for size in sizes:
        entry = {"size": vars(size), "title": str(size), "cases": {}}
        report["sizes"].append(entry)
        for name in names:
            task = {"case": name, "size": vars(size), "backend": backend, "xla": xla}
            workers = {"ours": (sys.executable, "ours.py", task)}
            if original:
                limit = {"memory_limit_bytes": memory_bytes() // 2}
                # The original is measured as its users run it: its code knows no other way.
                workers["original"] = (original, "original.py", {**task, **limit, "xla": False})
            print(f"{size}: {name}", file=sys.stderr)
            entry["cases"][name] = measure(workers, repeats, patience)
            if out is not None:
                _write(out, report)
        console.print(_table(entry))
    console.print("\n".join(description(report)))


def _table(entry: dict) -> Table:
    table = Table(title=entry["title"])
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, results in entry["cases"].items():
        table.add_row(*row(name, results, Size(**entry["size"])))
    return table


def _write(out: Path, report: dict):
    text = json.dumps(report, indent=1) if out.suffix == ".json" else markdown(report)
    out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
