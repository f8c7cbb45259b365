"""Compares a training on one GPU with the same training on several, on both backends.

    python benchmarks/several_devices.py --devices 1 --devices 2 --out several_devices
    python benchmarks/several_devices.py --backend jax --processes --out several_processes
    python benchmarks/several_devices.py --cpu-halves --config demo --batch 4 --out halves

Prints two tables. Weak scaling: each device has `--batch` clips; a step of `model.fit` is measured
on clips in memory and on clips of a dataset, and beside it the time in which nothing but reading
gives the clips of a step. Loss curves: the command `ddsp-tf train` on the bundled violin with one
global batch, which the devices divide, reading and validation included.

`--backend` selects one backend at a time. With `--processes`, JAX runs in a process for each GPU,
as `ddsp-tf train --processes` does; loss curves are then those of one process.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
from machine import describe_machine

from ddsp_tf.files.metrics_log import MetricsLog

HERE = Path(__file__).parent
HALVES = """
import tensorflow as tf
(processor,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
STEP = """
import json, sys
process, processes, port, config, data, batch, seconds, steps, devices, *overrides = sys.argv[1:]
if processes != "1":
    import jax
    jax.distributed.initialize(f"localhost:{port}", int(processes), int(process))
from training import measure
counts = int(batch), float(seconds), int(steps), int(devices)
print(json.dumps(measure(config, overrides, *counts, parts=False, data=data)), flush=True)
if processes != "1":
    jax.distributed.shutdown()  # Waits for the others: they end with an error if one is gone.
"""
PREPARE = """
import sys
from ddsp_tf.app.recordings import resolve
from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset
config, folder = sys.argv[1:]
violin = [resolve("bundled:violin"), resolve("bundled:violin_unseen")]
prepare_dataset(violin, folder, extractor=load_extractor(config), validation_share=0.1)
"""
TRAIN = """
import sys
from ddsp_tf.training.run import train_run
config, data, folder, devices, *overrides = sys.argv[1:]
train_run(config, data, folder, overrides=overrides, devices=int(devices), seed=1)
"""


def run_python(program: str, backend: str, cpu_halves: bool, *arguments, gpu=None) -> str:
    """Runs a program in a process of its own; returns what it prints."""
    with start_python(program, backend, cpu_halves, *arguments, gpu=gpu) as process:
        output = process.communicate()[0]
    if process.returncode:
        raise click.ClickException(f"a measurement on {backend} failed")
    return output


def start_python(program: str, backend: str, cpu_halves: bool, *arguments, gpu=None):
    """Starts a program in a process of its own, which sees all GPUs or one."""
    environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    paths = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if cpu_halves:
        environment["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
        program = HALVES * (backend == "tensorflow") + program
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = str(gpu)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def step_times(backend, count, processes, cpu_halves, counts, overrides) -> dict[str, str]:
    """Measures a step on several devices, of one process or of a process for each."""
    if not processes or count == 1:
        output = run_python(STEP, backend, cpu_halves, 0, 1, 0, *counts, count, *overrides)
        return json.loads(output.splitlines()[-1])
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
    started = [
        start_python(STEP, backend, False, number, count, port, *counts, 1, *overrides, gpu=gpu)
        for number, gpu in enumerate(gpus[:count])
    ]
    outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise click.ClickException(f"a measurement in {count} processes failed")
    return json.loads(outputs[0].splitlines()[-1])


def weak_scaling(
    backends, devices, cpu_halves, config, overrides, data, batch, seconds, steps, processes
):
    """Prints the time of a step whose batch grows with the devices."""
    print(f"\n{config}, {batch} clips of {seconds:g} s for each device\n")
    columns = ["to the end of the first steps", "step", "memory of a device", "reading alone"]
    columns = ["backend", "devices", *columns, "step while reading", "work"]
    print(f"| {' | '.join(columns)} |")
    print(f"| --- {'| ---: ' * (len(columns) - 1)}|")
    for backend in backends:
        times: list[float] = []
        for count in devices:
            counts = (config, data, batch * count, seconds, steps)
            numbers = step_times(backend, count, processes, cpu_halves, counts, overrides)
            times.append(float(numbers["step of fit"].split()[0]) / count)
            work = f"{times[0] * devices[0] / times[-1]:.2f}"
            cells = [backend, str(count), *numbers.values(), work]
            print(f"| {' | '.join(cells)} |", flush=True)


def loss_curves(backends, devices, cpu_halves, config, overrides, data, batch, steps, out):
    """Prints the losses of one training on one device and on several."""
    print(f"\n{config}, {batch} clips together\n")
    print("| backend | devices | loss at a fifth, two fifths, ... of the steps | seconds |")
    print("| --- | ---: | --- | ---: |")
    settings = [f"train.steps={steps}", f"train.batch_size={batch}", "train.render_every=0"]
    settings += [f"train.validate_every={steps}", *overrides]
    for backend in backends:
        for count in devices:
            run = out / f"{backend}_{count}"
            run_python(TRAIN, backend, cpu_halves, config, data, run, count, *settings)
            losses = MetricsLog(run / "logs/metrics.csv").column("loss")[1]
            losses = losses[max(len(losses) // 5, 1) - 1 :: max(len(losses) // 5, 1)]
            seconds = json.loads((run / "run.json").read_text())["seconds"]
            numbers = ", ".join(f"{loss:.3f}" for loss in losses)
            print(f"| {backend} | {count} | {numbers} | {seconds:.0f} |", flush=True)


@click.command()
@click.option("--devices", multiple=True, type=int, default=(1, 2), show_default=True)
@click.option("--backend", "backends", multiple=True, default=("tensorflow", "jax"))
@click.option("--config", default="fast_dry", show_default=True)
@click.option("--set", "overrides", multiple=True, help="Bindings, as for ddsp-tf train.")
@click.option("--batch", default=128, show_default=True, help="Clips for each device.")
@click.option("--seconds", default=4.0, show_default=True, help="Length of a clip.")
@click.option("--steps", default=100, show_default=True)
@click.option("--train-steps", default=500, show_default=True)
@click.option("--processes", is_flag=True, help="Weak scaling with a process for each GPU, on JAX.")
@click.option("--cpu-halves", is_flag=True, help="Two halves of a CPU instead of GPUs.")
@click.option("--out", required=True, type=Path, help="Folder of datasets and runs.")
def main(
    devices,
    backends,
    config,
    overrides,
    batch,
    seconds,
    steps,
    train_steps,
    processes,
    cpu_halves,
    out,
):
    """Compares one device with several."""
    if processes and (cpu_halves or backends != ("jax",)):
        raise click.UsageError("--processes needs GPUs and --backend jax alone")
    out.mkdir(parents=True, exist_ok=True)
    print(", ".join(describe_machine().values()))
    data = out / "dataset"
    if not data.exists():
        run_python(PREPARE, "tensorflow", False, config, data)
    chosen = (backends, devices, cpu_halves, config, overrides, data, batch)
    weak_scaling(*chosen, seconds, steps, processes)
    if not processes:
        loss_curves(*chosen, train_steps, out)


if __name__ == "__main__":
    main()
