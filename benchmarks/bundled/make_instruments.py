"""Trains the bundled models on the bundled recordings.

    python benchmarks/bundled/make_instruments.py

About five minutes on two CPU cores. A model's folder gets what playing and exporting need of a run.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import ddsp_tf
from ddsp_tf.app.chain import Chain
from ddsp_tf.app.cli.console import progress_bar
from ddsp_tf.app.cli.model_commands import print_training, show_training
from ddsp_tf.app.recordings import recording

OUT = Path(ddsp_tf.__file__).parent / "app" / "instruments"
# Name of the model: the recording and the configuration.
INSTRUMENTS = {"violin": ("violin", "demo")}
# Where the run was and what it was called say nothing about the model.
PRIVATE = ("datasets", "relative_datasets", "seconds")


def main() -> None:
    """Trains all models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the models' folders")
    arguments = parser.parse_args()
    for name, (source, config) in INSTRUMENTS.items():
        with tempfile.TemporaryDirectory() as work:
            chain = Chain([recording(source)], Path(work), config=config)
            chain.prepare()
            with progress_bar(name) as advance:
                summary = chain.train(show_training(advance), advance.note)
            folder = arguments.out / name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(chain.run.best_model, folder)
            shutil.copy(chain.run.expression, folder)
            record = {key: v for key, v in chain.run.read().items() if key not in PRIVATE}
            (folder / chain.run.record.name).write_text(json.dumps(record, indent=2) + "\n")
            print_training(folder, summary)


if __name__ == "__main__":
    main()
