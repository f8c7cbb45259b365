"""Trains the network from which the expression of players with few notes is learned.

    python benchmarks/bundled/make_note_network.py RECORDINGS/sax RECORDINGS/cello \
        RECORDINGS/double_bass RECORDINGS/tuba

Each folder holds recordings in `train/`. Their licence must allow any use without conditions (CC0),
because the network becomes a part of runs.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from expression_marks import recording_of, trained

from ddsp_tf.expression.network import weights_of
from ddsp_tf.training.note_network import SHARED

STEPS = 600


def main() -> None:
    """Trains and stores the network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="sets of recordings")
    parser.add_argument("--out", type=Path, default=SHARED, help="file to write")
    arguments = parser.parse_args()
    paths = [path for one in arguments.folders for path in sorted((one / "train").glob("*.flac"))]
    phrases = [recording_of(path).phrase for path in paths]
    np.save(arguments.out, weights_of(trained(phrases, STEPS)))
    print(f"{arguments.out}: learned from {sum(len(one.notes) for one in phrases)} notes")


if __name__ == "__main__":
    main()
