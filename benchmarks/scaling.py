"""Measures how time and memory grow: the table and the picture of docs/scaling.md.

    python benchmarks/scaling.py --out scaling
    python benchmarks/scaling.py --out scaling --clock processor --minutes 1,2,4 --batch 1,2,4,8

`prepare`, `evaluate` and `synthesize` work on minutes of made-up audio, `export` on models with
more and more harmonics, and training steps on more and longer clips. Every point is measured in a
process of its own, commands from their start to the prompt. `--clock processor` counts processor
time, which other programs on the machine hardly change; it says nothing about GPUs.
"""

import csv
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import click
import numpy as np
import soundfile
from growth import Study, picture, tables
from machine import describe_machine
from measured_command import measure

# Name of the work, its size, seconds, and MiB.
Point = tuple[str, float, float, float]


class Setting:
    """Common settings of all points: working folder, configuration, its rate, and the clock."""

    def __init__(
        self, folder: Path, config: str, overrides: tuple[str, ...], rate: int, clock: str
    ):
        self.folder, self.config, self.overrides = folder, config, overrides
        self.rate, self.clock = rate, clock
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def options(self) -> list[str]:
        """Options of commands that take a configuration."""
        return ["--config", self.config, *(f"--set={one}" for one in self.overrides)]

    def command(self, *arguments) -> tuple[float, float]:
        """Runs a command; returns seconds and the largest resident set in MiB."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds, mebibytes = measure(*arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if self.clock == "processor":
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, mebibytes

    def apart(self, function, *arguments):
        """Calls a function in a process of its own."""
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(function, arguments)


def recordings(folder: Path, minutes: float, rate: int) -> Path:
    """Makes a folder of recordings of one minute; the last one may be shorter."""
    place = folder / f"{minutes:g}_minutes"
    place.mkdir()
    generator = np.random.default_rng(0)
    for number in range(int(np.ceil(minutes))):
        moment = np.arange(round(60 * min(minutes - number, 1) * rate)) / rate
        midi = 60 + generator.uniform(-5, 5) + 8 * np.sin(2 * np.pi * moment / 7.3)
        phase = 2 * np.pi * np.cumsum(440 * 2 ** ((midi - 69) / 12)) / rate
        tone = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
        noise = 0.003 * generator.standard_normal(moment.size)
        audio = (0.06 + 0.05 * np.sin(2 * moment)) * tone + noise
        soundfile.write(place / f"{number:03}.wav", audio, rate)
    return place


def make_run(folder: Path, config: str, overrides: list[str], dataset: Path) -> None:
    """Makes the run of an untrained model."""
    from ddsp_tf.configuration.experiment import load_experiment
    from ddsp_tf.data.manifest import load_manifest
    from ddsp_tf.files.run_directory import RunDirectory
    from ddsp_tf.inference.model_files import save_model

    experiment, manifest = load_experiment(config, overrides), load_manifest(dataset)
    run = RunDirectory(folder)
    run.open(
        experiment.text,
        {
            **run.describe_datasets([dataset]),
            "config": config,
            "seed": 0,
            "steps": 0,
            "recordings": manifest.title,
            "dataset_fingerprint": manifest.fingerprint,
            "extractor": manifest.extractor,
            "feature_statistics": manifest.statistics,
        },
    )
    save_model(experiment.model, run.best_model)


def make_curves(path: Path, minutes: float) -> None:
    """Writes a feature file of a gliding tone."""
    from ddsp_tf.inference.feature_files import save_features

    moment = np.arange(round(6000 * minutes)) / 100
    f0_hz = 300 * 2 ** (0.5 * np.sin(moment))
    save_features(path, {"f0_hz": f0_hz, "loudness_db": np.full_like(moment, -20.0)}, 100)


def of_minutes(setting: Setting, minutes: list[float]) -> Iterator[Point]:
    """Measures the commands whose work is minutes of audio."""
    folder, run = setting.folder, setting.folder / "run"
    for count in minutes:
        audio, dataset = recordings(folder, count, setting.rate), folder / f"dataset_{count:g}"
        arguments = ["prepare", audio, "--out", dataset, *setting.options]
        yield "prepare", count, *setting.command(*arguments)
        if not run.exists():
            setting.apart(make_run, run, setting.config, setting.overrides, dataset)
        arguments = ["evaluate", run, "--data", dataset, "--split", "all"]
        yield "evaluate", count, *setting.command(*arguments)
        curves, out = folder / f"{count:g}.npz", folder / f"{count:g}.wav"
        make_curves(curves, count)
        yield "synthesize", count, *setting.command("synthesize", run, curves, out)


def of_harmonics(setting: Setting, harmonics: list[float], dataset: Path) -> Iterator[Point]:
    """Measures exports, without the smaller precisions."""
    for count in harmonics:
        run = setting.folder / f"run_{count:g}"
        overrides = [*setting.overrides, f"n_harmonics={count:g}"]
        setting.apart(make_run, run, setting.config, overrides, dataset)
        arguments = ["export", run, "--out", setting.folder / f"export_{count:g}"]
        yield "export", count, *setting.command(*arguments, "--precision", "float32")


def step(
    config: str, overrides: list[str], batch: int, seconds: float, steps: int, clock: str
) -> tuple[float, float]:
    """Measures a training step; returns its seconds, and the most memory in MiB."""
    import tensorflow as tf
    from training import peak_memory, random_batch
    from worker import HostMemory

    from ddsp_tf.configuration.experiment import load_experiment
    from ddsp_tf.training.devices import steps_at_a_time
    from ddsp_tf.training.optimizer import make_optimizer

    memory = HostMemory()
    now = time.process_time if clock == "processor" else time.perf_counter
    experiment = load_experiment(config, overrides)
    together = steps_at_a_time(steps)
    optimizer = make_optimizer(experiment.training)
    experiment.model.compile(optimizer, experiment.loss, steps_per_execution=together)
    batches = tf.data.Dataset.from_tensors(random_batch(experiment.model, batch, seconds)).repeat()
    experiment.model.fit(batches, steps_per_epoch=together, shuffle=False, verbose=0)
    begin = now()
    experiment.model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
    return (now() - begin) / steps, float(peak_memory(memory).split()[0])


def of_steps(
    setting: Setting, against: str, values: list[float], fixed: dict[str, float], steps: int
) -> Iterator[Point]:
    """Measures training steps against the batch, the seconds of a clip or the harmonics."""
    for value in values:
        sizes = {**fixed, against: value}
        overrides = [*setting.overrides]
        if "harmonics" in sizes:
            overrides.append(f"n_harmonics={sizes['harmonics']:g}")
        arguments = (setting.config, overrides, int(sizes["batch"]), sizes["seconds"], steps)
        yield "training step", value, *setting.apart(step, *arguments, setting.clock)


def numbers(context, parameter, value: str) -> list[float]:
    """Reads numbers that are separated by commas."""
    return [float(one) for one in value.split(",")]


@click.command(help=__doc__.splitlines()[0])
@click.option("--out", required=True, type=Path, help="Folder to write, and to work in.")
@click.option("--config", default="fast_dry", show_default=True)
@click.option("--set", "overrides", multiple=True, help="Bindings, as for ddsp-tf train.")
@click.option("--rate", default=16000, show_default=True, help="Sample rate of --config, in Hz.")
@click.option("--minutes", default="2,4,8,16", show_default=True, callback=numbers)
@click.option("--harmonics", default="20,40,80,160", show_default=True, callback=numbers)
@click.option("--batch", default="4,8,16,32,64", show_default=True, callback=numbers)
@click.option("--seconds", default="1,2,4,8,16", show_default=True, callback=numbers)
@click.option("--fixed-batch", default=16, show_default=True, help="Where something else grows.")
@click.option("--steps", default=20, show_default=True, help="Training steps to measure.")
@click.option("--clock", default="wall", type=click.Choice(["wall", "processor"]))
def main(
    out, config, overrides, rate, minutes, harmonics, batch, seconds, fixed_batch, steps, clock
):
    """Measures everything; writes scaling.csv, scaling.md and scaling.png."""
    setting = Setting(out / "work", config, list(overrides), rate, clock)
    fixed = {"batch": fixed_batch, "seconds": 4.0}
    dataset = out / "work" / f"dataset_{minutes[0]:g}"
    points = [
        ("clips of 4 s", of_steps(setting, "batch", batch, fixed, steps)),
        ("seconds of a clip", of_steps(setting, "seconds", seconds, fixed, steps)),
        ("harmonics", of_steps(setting, "harmonics", harmonics, fixed, steps)),
        ("minutes of audio", of_minutes(setting, minutes)),
        ("harmonics", of_harmonics(setting, harmonics, dataset)),
    ]
    studies: dict[tuple[str, str], Study] = {}
    with open(out / "scaling.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["what", "against", "size", "seconds", "mebibytes"])
        for against, measured in points:
            for what, *point in measured:
                click.echo(f"{what}, {point[0]:g} {against}: {point[1]:.3g} s, {point[2]:.0f} MiB")
                rows.writerow([what, against, *point])
                file.flush()
                studies.setdefault((what, against), Study(what, against)).add(*point)
    text = f"{', '.join(describe_machine().values())}; {config}; {clock} time\n\n"
    (out / "scaling.md").write_text(text + tables(studies.values()), encoding="utf-8")
    (out / "scaling.png").write_bytes(picture(list(studies.values())))


if __name__ == "__main__":
    main()
