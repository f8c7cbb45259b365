"""Trains the models that come with the package: `make instruments`.

    python benchmarks/bundled/make_instruments.py
    python benchmarks/bundled/make_instruments.py --recordings RECORDINGS --config fast_dry
    python benchmarks/bundled/make_instruments.py --recordings RECORDINGS --together
    python benchmarks/bundled/make_instruments.py --run RUN

Without recordings, it trains on the bundled recording of a violin, in about five minutes on two CPU
cores. With recordings, it trains one model per set: RECORDINGS has a folder per instrument with
`train/` and `val/`. With --together, it trains one model of all sets; --run keeps such a model from
an earlier training. The folder of a model contains those files of its run that playing and
exporting need.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import ddsp_tf
from ddsp_tf.app.chain import Chain
from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.app.cli.model_commands import print_training, show_training
from ddsp_tf.app.recordings import recording
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.run import train_run

sys.path.insert(0, str(Path(__file__).parents[1] / "instruments"))
from sets import chain_of, find_sets

OUT = Path(ddsp_tf.__file__).parent / "inference" / "bundled"
# Names of instruments that differ from the folders of their sets.
NAMES = {"sax": "alto_sax"}
# Entries that describe the location of the run, not the model.
PRIVATE = ("dataset", "datasets", "relative_datasets", "seconds")


def main() -> None:
    """Trains all models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the models' folders")
    parser.add_argument("--recordings", type=Path, help="folder with a set for each instrument")
    parser.add_argument("--config", help="configuration; by default fast_dry, together ensemble")
    parser.add_argument("--together", action="store_true", help="train one model of all sets")
    parser.add_argument("--run", type=Path, help="keep the instruments of this run, train nothing")
    parser.add_argument("--from", dest="start_from", help="model to start from")
    parser.add_argument("--set", action="append", default=[], help="change a setting, NAME=VALUE")
    parser.add_argument("--only", action="append", default=[], help="set to take")
    arguments = parser.parse_args()
    options = {"overrides": arguments.set, "start_from": arguments.start_from}
    if arguments.run is not None:
        keep_ensemble(RunDirectory(arguments.run), arguments.out)
        return
    with tempfile.TemporaryDirectory() as work:
        if arguments.recordings is None:
            chain = Chain([recording("violin")], Path(work), config="demo", **options)
            make(chain, arguments.out / "demo_violin")
            return
        config = arguments.config or ("ensemble" if arguments.together else "fast_dry")
        chains = {
            NAMES.get(one.name, one.name): chain_of(one, Path(work) / one.name, config, **options)
            for one in find_sets(arguments.recordings, arguments.only)
        }
        if arguments.together:
            make_ensemble(chains, config, Path(work) / "ensemble", arguments.out, options)
            return
        for name, chain in chains.items():
            make(chain, arguments.out / name)


def make(chain: Chain, folder: Path) -> None:
    """Trains a model and keeps those files of the run that playing and exporting need."""
    chain.prepare()
    with progress_bar(folder.name) as advance:
        summary = chain.train(show_training(advance), advance.note)
    keep(chain.run, folder)
    print_training(folder, summary)


def make_ensemble(
    chains: dict[str, Chain], config: str, work: Path, out: Path, options: dict
) -> None:
    """Trains one model of several instruments, and keeps it with the files of each instrument."""
    for chain in chains.values():
        chain.prepare()
    data = {name: chain.dataset for name, chain in chains.items()}
    with progress_bar("ensemble") as advance:
        on_step = show_training(advance)
        summary = train_run(config, data, work, on_step=on_step, on_warning=advance.note, **options)
    keep_ensemble(RunDirectory(work), out)
    print_training(out / "ensemble", summary)


def keep_ensemble(run: RunDirectory, out: Path) -> None:
    """Copies a model of several instruments, with their records and expressions."""
    folder = RunDirectory(out / "ensemble")
    keep(run, folder.path)
    for name in dict.fromkeys(run.read()["instruments"]):
        keep(run.instrument(name), folder.instrument(name).path)


def keep(run: RunDirectory, folder: Path) -> None:
    """Copies the files of a run that playing and exporting need."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (run.best_model, run.expression):
        (folder / file.name).unlink(missing_ok=True)
        if file.exists():
            shutil.copy(file, folder)
    record = {key: value for key, value in run.read().items() if key not in PRIVATE}
    (folder / run.record.name).write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
