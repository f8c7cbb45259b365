"""Measures whole models: features to audio, at once and block by block.

    python benchmarks/render.py --configs solo_instrument,fast --out models.json

Weights are untrained: time and memory do not depend on them.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

import click
import numpy as np
from machine import describe_machine
from rich.console import Console
from rich.table import Table
from worker import HostMemory

COLUMNS = ("model", "what", "first call s", "median s", "of real time", "MiB")


def curves(model, frames: int) -> dict[str, np.ndarray]:
    """Makes a melody for a model: a gliding pitch at a swelling level.

    Args:
        model: `Autoencoder`.
        frames: Length in frames.

    Returns:
        [1, frames] arrays by the model's feature names.
    """
    time_s = np.arange(frames) / model.frame_rate
    level_db = -30.0 + 10.0 * np.sin(2.0 * np.pi * 0.5 * time_s)
    values = dict.fromkeys(model.feature_names, level_db)
    values["f0_hz"] = 300.0 * 2.0 ** (0.5 * np.sin(2.0 * np.pi * 0.2 * time_s))
    return {k: v.astype(np.float32)[None] for k, v in values.items()}


def timed(run, repeats: int) -> dict[str, float]:
    """Times the first call of a function, and the median of further ones.

    Args:
        run: Function that returns when the computation is done.
        repeats: Number of further calls.

    Returns:
        "first_s" and "median_s".
    """
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return {"first_s": times[0], "median_s": statistics.median(times[1:])}


def whole(model, seconds: float, repeats: int) -> dict[str, float]:
    """Times a whole clip at once."""
    from ddsp_tf.backend.compilation import compiled

    features = curves(model, round(seconds * model.frame_rate))
    call = compiled(model.call)
    result = timed(lambda: np.asarray(call(features)), repeats)
    return {**result, "of_real_time": result["median_s"] / seconds}


def blocks(model, seconds: float, block_frames: int, repeats: int) -> dict[str, float]:
    """Times a piece played block by block."""
    from ddsp_tf.inference.rendering import synthesize

    features = {k: v[0] for k, v in curves(model, round(seconds * model.frame_rate)).items()}

    def play():
        for _ in synthesize(model, features, block_frames=block_frames):
            pass

    result = timed(play, repeats)
    return {**result, "of_real_time": result["median_s"] / seconds}


def measure_model(config: str, task: str, repeats: int, quick: bool) -> dict[str, float]:
    """Measures one task of one model, in a fresh process because of the memory.

    Args:
        config: Name of a configuration.
        task: Task, "clip S" or "blocks S FRAMES", with numbers of seconds and frames.
        repeats: Timed calls after the first.
        quick: Whether models are built tiny.

    Returns:
        "first_s", "median_s", "of_real_time" and "mib".
    """
    from ddsp_tf.configuration.experiment import load_experiment

    overrides = ["RnnDecoder.rnn_channels=16", "RnnDecoder.stack_channels=16"] if quick else []
    model = load_experiment(config, overrides).model
    model.build()
    kind, *numbers = task.split()
    memory = HostMemory()
    if kind == "clip":
        result = whole(model, float(numbers[0]), repeats)
    else:
        result = blocks(model, float(numbers[0]), int(numbers[1]), repeats)
    return {**result, "mib": memory.peak() / 2**20}


@click.command()
@click.option("--configs", default="solo_instrument,fast", help="Separated by commas.")
@click.option("--tasks", default="clip 4,clip 60,blocks 60 500,blocks 4 1")
@click.option("--repeats", default=5, help="Timed calls after the first.")
@click.option("--quick", is_flag=True, help="One call of tiny models.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON file to write.")
def main(configs, tasks, repeats, quick, out):
    """Prints a table of times and memory for whole models.

    Tasks are "clip SECONDS" and "blocks SECONDS FRAMES", FRAMES computed at once.
    """
    import multiprocessing

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if quick:
        repeats = 1
    rows = []
    context = multiprocessing.get_context("spawn")
    for config in configs.split(","):
        for task in tasks.split(","):
            print(f"{config}: {task}", file=sys.stderr)
            with context.Pool(1) as pool:
                result = pool.apply(measure_model, (config, task, repeats, quick))
            rows.append({"model": config, "what": task, **result})
            if out is not None:
                report = {"machine": describe_machine(), "models": rows}
                out.write_text(json.dumps(report, indent=1), encoding="utf-8")
    table = Table(*COLUMNS)
    for row in rows:
        first, median = f"{row['first_s']:.2f}", f"{row['median_s']:.3g}"
        share = f"{row['of_real_time']:.3g}"
        table.add_row(row["model"], row["what"], first, median, share, f"{row['mib']:.0f}")
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    for key, value in describe_machine().items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
