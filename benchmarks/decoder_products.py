"""Times the matrix products of a decoder alone: a lower bound for the time of playing.

    python benchmarks/decoder_products.py solo_instrument fast

Each argument is a run, or a shipped configuration, which gets random weights. Products with the
inputs are computed for many frames at once; products of a recurrent layer with its state one frame
at a time, which is unavoidable. NumPy chooses the number of threads, and the best of several rounds
counts. It prints the share of real time that each kind takes.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import numpy as np
from exported_models import load, time_of

FRAMES = 1000
ROUNDS = 9


def seconds_at_once(kernel: np.ndarray) -> float:
    """Multiplies all frames at once."""
    frames = np.ones((FRAMES, kernel.shape[0]), np.float32)
    return time_of(lambda: frames @ kernel, ROUNDS).min()


def seconds_one_by_one(kernel: np.ndarray) -> float:
    """Multiplies frame by frame, each time with the previous result."""
    outputs_first = np.ascontiguousarray(kernel.T)

    def run():
        state = np.zeros(kernel.shape[0], np.float32)
        for _ in range(FRAMES):
            state = (outputs_first @ state)[: len(state)]

    return time_of(run, ROUNDS).min()


@click.command(help=__doc__.splitlines()[0])
@click.argument("models", nargs=-1, required=True)
def main(models):
    """Measures each model."""
    for name in models:
        model = load(name)
        shares = {"at once": 0.0, "frame by frame": 0.0}
        operations = 0
        for weight in model.decoder.weights:
            if weight.path.endswith("/recurrent_kernel"):
                shares["frame by frame"] += seconds_one_by_one(np.asarray(weight.value))
            elif weight.path.endswith("/kernel"):
                shares["at once"] += seconds_at_once(np.asarray(weight.value))
                operations += 2 * np.prod(weight.shape) * FRAMES
        speed = operations / shares["at once"] / 1e9
        parts = ", ".join(
            f"{kind} {seconds * model.frame_rate / FRAMES:.4f}" for kind, seconds in shares.items()
        )
        total = sum(shares.values()) * model.frame_rate / FRAMES
        click.echo(f"{name}: {total:.4f} of real time ({parts}); {speed:.0f} GFLOPS at once")


if __name__ == "__main__":
    main()
