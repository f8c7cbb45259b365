"""Exports a model and measures every file: size, agreement with Keras, latency, speed.

    python benchmarks/exported_models.py vst demo my_run
    python benchmarks/exported_models.py fast_dry --precision float32

Each argument is a run, or a shipped configuration, which gets random weights. Files that stream,
listen or run in the plugin do so on one thread, hop by hop; the others play 60 s with two threads.
"""

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import numpy as np
import tensorflow as tf

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.export.exporter import export_model
from ddsp_tf.export.litert import PRECISIONS
from ddsp_tf.export.verification import example_curves, open_interpreter
from ddsp_tf.export.vst import OUTPUTS
from ddsp_tf.inference.model_files import load_model

# Values that streams are given, by part of an input's name; the first that fits.
_PLAYED = {
    "state": 0.0,
    "scaled": 0.5,
    "f0_hz": 300.0,
    "_db": -20.0,
    "noise": 0.1,
    "audio": 0.1,
    "instrument": 1.0,
    "z": 0.0,
}
# Signatures of files that take one hop per call.
_HOP_BY_HOP = {"step", "listen"}
HEADER = ("file", "MB", "largest difference", "SNR, dB", "hop, ms: p50", "p99", "of real time")


def time_of(function, repetitions: int) -> np.ndarray:
    """Calls a function repeatedly, and returns the seconds of each call, [repetitions]."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return np.array(times)


def hop_times(path: Path, hops: int) -> np.ndarray:
    """Runs a file that plays one hop per call; returns the seconds of each call, [hops].

    A call is everything that a host does: run, take the outputs, pass the state back.
    """
    interpreter = open_interpreter(path)
    interpreter.allocate_tensors()
    inputs = {tensor["name"]: tensor for tensor in interpreter.get_input_details()}
    for name, tensor in inputs.items():
        value = next(value for part, value in _PLAYED.items() if part in name)
        interpreter.set_tensor(tensor["index"], np.full(tensor["shape"], value, np.float32))
    states, played = state_pairs(interpreter, inputs)
    # Views of the interpreter's own memory: a host copies no more than it must.
    states = [tuple(map(interpreter.tensor, pair)) for pair in states]

    def step():
        interpreter.invoke()
        for index in played:
            interpreter.get_tensor(index)
        for before, after in states:
            before()[...] = after()

    time_of(step, 50)
    return time_of(step, hops)


def state_pairs(interpreter, inputs: dict) -> tuple[list[tuple[int, int]], list[int]]:
    """Finds the tensors of the state, before and after a call, and the other outputs."""
    if names := _HOP_BY_HOP.intersection(interpreter.get_signature_list()):
        step = interpreter.get_signature_runner(names.pop())
        before, after = step.get_input_details(), step.get_output_details()
        names = {name: name for name in after if name in before}
    else:
        before = inputs
        after = {tensor["name"]: tensor for tensor in interpreter.get_output_details()}
        *_, state = OUTPUTS
        names = {state: "call_state:0"}
    states = [(before[old]["index"], after[new]["index"]) for new, old in names.items()]
    return states, [tensor["index"] for name, tensor in after.items() if name not in names]


def seconds_of_a_minute(folder: Path, name: str, model) -> tuple[float, str]:
    """Plays 60 s; returns the shorter of two times, and a remark."""
    curves, noise = example_curves(model, seconds=60)
    inputs = {**curves, "noise": noise}
    if name != "saved_model":
        runner = open_interpreter(folder / name, 2).get_signature_runner("synthesize")
        return time_of(lambda: runner(**inputs), 2).min(), ""
    start = time.perf_counter()
    signature = tf.saved_model.load(str(folder / name)).signatures["synthesize_with_noise"]
    loaded = time.perf_counter() - start
    short = {name: tf.constant(value[:, : value.shape[1] // 60]) for name, value in inputs.items()}
    first = time_of(lambda: signature(**short), 1)[0]
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    remark = f"saved_model: loading {loaded:.1f} s, first call {first:.1f} s"
    return time_of(lambda: signature(**inputs), 2).min(), remark


def load(name: str, overrides=()):
    """Loads a run's model, or makes the one of a shipped configuration."""
    if Path(name).exists():
        return load_model(name)
    model = load_experiment(name, overrides).model
    model.build()
    return model


def measure(model, folder: Path, hops: int, precisions: tuple[str, ...]):
    """Exports one model, and prints its table."""
    start = time.perf_counter()
    description = export_model(model, folder, precisions)
    exported = time.perf_counter() - start
    remarks = [f"export: {exported:.1f} s"]
    click.echo("| " + " | ".join(HEADER) + " |\n|" + " --- |" * len(HEADER))
    for name, artifact in description.artifacts.items():
        row = [name, f"{artifact['bytes'] / 1e6:.2f}", f"{artifact['largest_difference']:.1e}"]
        row.append(f"{artifact['snr_db']:.0f}")
        if name.startswith(("stream", "listen", "vst")):
            times = hop_times(folder / name, hops)
            row += [f"{1e3 * np.median(times):.3f}", f"{1e3 * np.percentile(times, 99):.3f}"]
            row.append(f"{np.median(times) * model.frame_rate:.4f}")
        else:
            seconds, remark = seconds_of_a_minute(folder, name, model)
            row += ["", "", f"{seconds / 60:.4f}"]
            remarks += [remark] if remark else []
        click.echo("| " + " | ".join(row) + " |")
    operators = {
        operator
        for artifact in description.artifacts.values()
        for operator in artifact.get("operators", ())
    }
    click.echo(f"\nOperators of the LiteRT files: {', '.join(sorted(operators))}")
    click.echo(f"\n{'; '.join(remarks)}; a hop lasts {1e3 / model.frame_rate:g} ms\n")


@click.command(help=__doc__.splitlines()[0])
@click.argument("models", nargs=-1, required=True)
@click.option("--hops", default=1000, show_default=True, help="Calls of the streaming files.")
@click.option("--set", "overrides", multiple=True, help="Changes a configuration's setting.")
@click.option("--precision", "precisions", multiple=True, type=click.Choice(PRECISIONS))
def main(models, hops, overrides, precisions):
    """Measures each model."""
    for name in models:
        model = load(name, overrides)
        changes = f" with {', '.join(overrides)}" if overrides else ""
        click.echo(f"## {name}{changes}: {model.sample_rate} Hz, hop {model.hop}\n")
        with tempfile.TemporaryDirectory() as folder:
            measure(model, Path(folder) / "export", hops, precisions or PRECISIONS)


if __name__ == "__main__":
    main()
