"""Trains the models that come with the package: `make instruments`.

    python benchmarks/bundled/make_instruments.py
    python benchmarks/bundled/make_instruments.py --recordings RECORDINGS --config fast_dry

Without recordings, the violin of the bundled recording, in about five minutes on two CPU cores.
With them, one model for each set: RECORDINGS has a folder per instrument with `train/` and `val/`.
A model's folder holds those files of its run that playing and exporting need.
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

sys.path.insert(0, str(Path(__file__).parents[1] / "instruments"))
from sets import chain_of, find_sets

OUT = Path(ddsp_tf.__file__).parent / "inference" / "bundled"
# Names of instruments that differ from those of their sets' folders.
NAMES = {"sax": "alto_sax"}
# Entries that describe the place of the run, not the model.
PRIVATE = ("datasets", "relative_datasets", "seconds")


def main() -> None:
    """Trains all models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the models' folders")
    parser.add_argument("--recordings", type=Path, help="folder with a set for each instrument")
    parser.add_argument("--config", default="fast_dry", help="configuration of the sets' models")
    parser.add_argument("--from", dest="start_from", help="model to start from")
    parser.add_argument("--set", action="append", default=[], help="change a setting, NAME=VALUE")
    parser.add_argument("--only", action="append", default=[], help="set to take")
    arguments = parser.parse_args()
    options = {"overrides": arguments.set, "start_from": arguments.start_from}
    with tempfile.TemporaryDirectory() as work:
        if arguments.recordings is None:
            chain = Chain([recording("violin")], Path(work), config="demo", **options)
            make(chain, arguments.out / "violin")
            return
        for one in find_sets(arguments.recordings, arguments.only):
            chain = chain_of(one, Path(work) / one.name, arguments.config, **options)
            make(chain, arguments.out / NAMES.get(one.name, one.name))


def make(chain: Chain, folder: Path) -> None:
    """Trains a model and keeps those files of the run that playing and exporting need."""
    chain.prepare()
    with progress_bar(folder.name) as advance:
        summary = chain.train(show_training(advance), advance.note)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(chain.run.best_model, folder)
    if chain.run.expression.exists():
        shutil.copy(chain.run.expression, folder)
    record = {key: value for key, value in chain.run.read().items() if key not in PRIVATE}
    (folder / chain.run.record.name).write_text(json.dumps(record, indent=2) + "\n")
    print_training(folder, summary)


if __name__ == "__main__":
    main()
