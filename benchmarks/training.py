"""Measures training steps of shipped configurations on this machine.

    python benchmarks/training.py --config solo_instrument --config fast --batch 16

Prints, per configuration and batch size: seconds to the first step, median milliseconds a step,
peak memory of the device, and where the time of a step goes, measured by leaving parts out.
Set KERAS_BACKEND=jax for the other backend.
"""

import functools
import statistics
import sys
import time
from pathlib import Path

import click
import keras
import numpy as np
from worker import HostMemory

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.training.devices import (
    divided_batches,
    spread_over,
    steps_at_a_time,
)
from ddsp_tf.training.optimizer import make_optimizer
from ddsp_tf.training.replicas import compile_replicas


@click.command()
@click.option("--config", "configs", multiple=True, default=["solo_instrument", "fast"])
@click.option("--set", "overrides", multiple=True, help="Bindings, as for ddsp-tf train.")
@click.option("--batch", "batches", multiple=True, type=int, default=[16], show_default=True)
@click.option("--seconds", type=float, default=4.0, show_default=True, help="Length of a clip.")
@click.option("--steps", type=int, default=30, show_default=True)
@click.option("--devices", type=int, default=1, show_default=True, help="GPUs to divide over.")
@click.option("--data", type=Path, help="Dataset to measure steps while reading, too.")
@click.option("--parts/--no-parts", default=True, help="Also measure parts of the step.")
def main(configs, overrides, batches, seconds, steps, devices, data, parts):
    """Measure training steps."""
    print(f"{device_name()}; {keras.backend.backend()}; Keras {keras.__version__}")
    for config in configs:
        for batch in batches:
            counts = (batch, seconds, steps, devices)
            numbers = measure(config, overrides, *counts, parts, data)
            for name, value in numbers.items():
                print(f"{config:<18} batch {batch:<4} {name:<38} {value}")
            sys.stdout.flush()


def device_name() -> str:
    """Returns the name of the device."""
    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0])
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"


def random_batch(model, batch: int, seconds: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns a batch as `training_batches` gives it."""
    generator = np.random.default_rng(0)
    frames = round(seconds * model.frame_rate)
    curve = generator.uniform(size=(batch, frames)).astype(np.float32)
    curves = {"f0_hz": 200.0 + 200.0 * curve}
    curves |= dict.fromkeys(("loudness_db", "power_db"), -60.0 + 40.0 * curve)
    audio = generator.normal(0.0, 0.1, (batch, frames * model.hop)).astype(np.float32)
    return {name: curves[name] for name in model.feature_names}, audio


def measure(
    config, overrides, batch_size, seconds, steps, devices, parts, data=None
) -> dict[str, str]:
    """Measures one configuration at one batch size; with a dataset also while it is read."""
    started, memory = time.monotonic(), HostMemory()
    with spread_over(devices):
        experiment = load_experiment(config, overrides)
        model = experiment.model
        together = steps_at_a_time(steps)
        model.compile(
            make_optimizer(experiment.training),
            experiment.loss,
            steps_per_execution=together,
            auto_scale_loss=False,
        )
        compile_replicas(model)
        model.optimizer.build(model.trainable_variables)
        batch = random_batch(model, batch_size, seconds)
        batches = divided_batches(functools.partial(in_memory, batch), batch_size, 0)
        model.fit(batches, steps_per_epoch=together, shuffle=False, verbose=0)
        result = {"to the end of the first steps": f"{time.monotonic() - started:.1f} s"}
        result["step of fit"] = step_of_fit(model, batches, steps)
        result["peak memory"] = peak_memory(memory)
        if data:
            clips = {"clip_frames": batch[0]["f0_hz"].shape[1], "features": model.feature_names}
            reading = functools.partial(training_batches, data, seed=0, **clips)
            batches = divided_batches(reading, batch_size, 0)
            result["reading alone"] = time_of_reading(batches, steps)
            result["step of fit while reading"] = step_of_fit(model, batches, steps)
    if parts and devices == 1:
        for name, function, arguments in pieces(model, experiment.loss, on_device(batch)):
            result[name] = milliseconds(lambda f=function, a=arguments: f(*a), steps)
    return result


def in_memory(batch, batch_size, first_step, part=0, parts=1):
    """Returns the first clips of a batch again and again, as a dataset."""
    import tensorflow as tf

    clips = keras.tree.map_structure(lambda values: values[: batch_size // parts], batch)
    return tf.data.Dataset.from_tensors(clips).repeat()


class EpochTimes(keras.callbacks.Callback):
    """Notes when epochs end."""

    def __init__(self):
        super().__init__()
        self.ends: list[float] = []

    def on_epoch_end(self, epoch, logs=None):
        """Notes the time when all steps have been computed; JAX returns before that."""
        wait([variable.value for variable in self.model.trainable_variables[:1]])
        self.ends.append(time.monotonic())


def step_of_fit(model, batches, steps: int) -> str:
    """Returns the median time of a step in five epochs of `fit`, after a first one."""
    times = EpochTimes()
    model.fit(batches, epochs=6, steps_per_epoch=steps, callbacks=[times], shuffle=False, verbose=0)
    return f"{statistics.median(np.diff(times.ends)) / steps * 1e3:.2f} ms"


def time_of_reading(batches, steps: int) -> str:
    """Returns the time in which the batch of one step is read while nothing else is done."""
    iterator = iter(batches)
    next(iterator)
    started = time.monotonic()
    for _ in range(steps):
        next(iterator)
    return f"{(time.monotonic() - started) / steps * 1e3:.2f} ms"


def pieces(model, loss, batch):
    """Parts of the step as compiled functions, with their arguments."""
    features, audio = batch
    noise = np.random.default_rng(1).uniform(-1, 1, audio.shape).astype(np.float32)
    features = {**features, "noise": keras.ops.convert_to_tensor(noise)}
    inputs, _ = model.decode(features)
    raw = {key: value for key, value in inputs.items() if key not in ("f0_hz", "noise")}
    fixed = {"f0_hz": inputs["f0_hz"], "noise": inputs["noise"]}
    decoder = model.decoder

    def networks(weights):
        with keras.StatelessScope(zip(decoder.trainable_variables, weights, strict=True)):
            outputs, _ = model.decode(features)
        return sum(keras.ops.sum(outputs[name]) for name in raw)

    def sound(raw):
        return keras.ops.sum(model.processor_group({**raw, **fixed}))

    def sound_and_loss(raw):
        return keras.ops.mean(loss(audio, model.processor_group({**raw, **fixed})))

    weights = [variable.value for variable in decoder.trainable_variables]
    yield "networks with gradients", gradients_of(networks), (weights,)
    yield "processors with gradients", gradients_of(sound), (raw,)
    yield "processors and loss with gradients", gradients_of(sound_and_loss), (raw,)


def gradients_of(function):
    """Returns a compiled function that gives the gradients of a function's value."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(jax.grad(function))
    import tensorflow as tf

    def gradients(argument):
        with tf.GradientTape() as tape:
            tape.watch(argument)
            value = function(argument)
        return tape.gradient(value, argument)

    return tf.function(gradients, jit_compile=on_gpu())


def on_gpu() -> bool:
    """Tells whether TensorFlow has a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def on_device(batch):
    """Puts a batch where the model computes, so that copying it is not measured."""
    return keras.tree.map_structure(keras.ops.convert_to_tensor, batch)


def wait(result):
    """Waits until a result is computed."""
    for value in keras.tree.flatten(result):
        if not isinstance(value, keras.callbacks.History):  # `fit` has waited.
            np.asarray(keras.ops.convert_to_numpy(value)).sum()


def milliseconds(function, calls: int, steps: int = 1) -> str:
    """Calls a function again and again; returns the median time of a step in it."""
    for _ in range(3 if steps == 1 else 1):
        wait(function())
    means = []
    for _ in range(5):
        count = max(calls // 5, 1)
        started = time.monotonic()
        for _ in range(count):
            result = function()
        wait(result)
        means.append((time.monotonic() - started) / (count * steps) * 1e3)
    return f"{statistics.median(means):.2f} ms"


def peak_memory(memory: HostMemory) -> str:
    """Returns the most memory used so far, of the GPU if there is one."""
    if keras.backend.backend() == "jax":
        import jax

        used = jax.local_devices()[0].memory_stats()
        if used:
            return f"{used['peak_bytes_in_use'] / 2**20:.0f} MiB"
    elif on_gpu():
        import tensorflow as tf

        return f"{tf.config.experimental.get_memory_info('GPU:0')['peak'] / 2**20:.0f} MiB"
    return f"{memory.highest() / 2**20:.0f} MiB (process)"


if __name__ == "__main__":
    main()
