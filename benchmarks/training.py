"""Measures training steps of shipped configurations on this machine.

    python benchmarks/training.py --config solo_instrument --config fast --batch 16

Prints, per configuration and batch size: seconds to the first step, median milliseconds a step,
peak memory of the device, and where the time of a step goes, measured by leaving parts out.
Set KERAS_BACKEND=jax for the other backend.
"""

import os
import resource
import statistics
import sys
import time

import click
import keras
import numpy as np

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.training.objective import Objective
from ddsp_tf.training.quick_start import start_quickly
from ddsp_tf.training.step import TrainingStep, make_optimizer, scope


@click.command()
@click.option("--config", "configs", multiple=True, default=["solo_instrument", "fast"])
@click.option("--set", "overrides", multiple=True, help="Bindings, as for ddsp-tf train.")
@click.option("--batch", "batches", multiple=True, type=int, default=[16], show_default=True)
@click.option("--seconds", type=float, default=4.0, show_default=True, help="Length of a clip.")
@click.option("--steps", type=int, default=30, show_default=True)
@click.option("--devices", type=int, default=1, show_default=True, help="GPUs to divide over.")
@click.option("--parts/--no-parts", default=True, help="Also measure parts of the step.")
@click.option("--quick-start", is_flag=True, help="As for ddsp-tf train.")
def main(configs, overrides, batches, seconds, steps, devices, parts, quick_start):
    """Measure training steps."""
    if quick_start:
        start_quickly(os.environ)
    print(f"{device_name()}; {keras.backend.backend()}; Keras {keras.__version__}")
    for config in configs:
        for batch in batches:
            numbers = measure(config, overrides, batch, seconds, steps, devices, parts)
            for name, value in numbers.items():
                print(f"{config:<18} batch {batch:<4} {name:<38} {value}")
            sys.stdout.flush()


def device_name() -> str:
    """Returns what computes."""
    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0])
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"


def random_batch(model, batch: int, seconds: float) -> dict[str, np.ndarray]:
    """Returns a batch as `training_batches` gives it."""
    generator = np.random.default_rng(0)
    frames = round(seconds * model.frame_rate)
    curve = generator.uniform(size=(batch, frames)).astype(np.float32)
    return {
        "audio": generator.normal(0.0, 0.1, (batch, frames * model.hop)).astype(np.float32),
        "f0_hz": 200.0 + 200.0 * curve,
        "loudness_db": -60.0 + 40.0 * curve,
        "power_db": -60.0 + 40.0 * curve,
    }


def measure(config, overrides, batch_size, seconds, steps, devices, parts) -> dict[str, str]:
    """Measures one configuration at one batch size."""
    started = time.monotonic()
    with scope(devices):
        experiment = load_experiment(config, overrides)
        model, settings = experiment.model, experiment.training
        model.build()
        objective = Objective(model, experiment.loss)
        optimizer = make_optimizer(settings)
        step = TrainingStep(objective, optimizer, settings.gradient_norm, seed=0, devices=devices)
        batch = random_batch(model, batch_size, seconds)
        wait(step.run(batch, 0))
        result = {"to the end of the first step": f"{time.monotonic() - started:.1f} s"}
        batch = on_device(batch)
        result["whole step"] = milliseconds(lambda: step.run(batch, 1), steps)
    result["peak memory"] = peak_memory()
    if parts and devices == 1:
        step.arrays()
        for name, function, arguments in pieces(objective, batch):
            result[name] = milliseconds(lambda f=function, a=arguments: f(*a), steps)
    return result


def pieces(objective, batch):
    """Parts of the step as compiled functions, with their arguments."""
    model = objective.model
    noise = keras.ops.convert_to_tensor(
        np.random.default_rng(1).uniform(-1, 1, batch["audio"].shape).astype(np.float32)
    )
    variables = [v.value for v in model.decoder.trainable_variables]
    inputs = objective.inputs(batch, noise)
    raw = {key: value for key, value in inputs.items() if key not in ("f0_hz", "noise")}
    fixed = {"f0_hz": inputs["f0_hz"], "noise": inputs["noise"]}

    def networks(weights):
        with keras.StatelessScope(zip(model.decoder.trainable_variables, weights, strict=True)):
            outputs = objective.inputs(batch, noise)
        return sum(keras.ops.sum(outputs[name]) for name in raw)

    def sound(raw):
        return keras.ops.sum(model.processor_group({**raw, **fixed}))

    def sound_and_loss(raw):
        return objective.measure({**raw, **fixed}, batch["audio"])[0]

    fused = getattr(model.decoder, "has_fused_kernel", False)
    if keras.backend.backend() == "jax":
        yield "networks with gradients", gradients_of(networks), (variables,)
    else:
        import tensorflow as tf

        def network_gradients():
            with tf.GradientTape() as tape:
                outputs = objective.inputs(batch, noise)
                value = sum(tf.reduce_sum(outputs[name]) for name in raw)
            return tape.gradient(value, [v.value for v in model.decoder.trainable_variables])

        compiled = tf.function(network_gradients, jit_compile=on_gpu() and not fused)
        yield "networks with gradients", compiled, ()
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
    return {key: keras.ops.convert_to_tensor(value) for key, value in batch.items()}


def wait(result):
    """Waits until a result is computed."""
    for value in keras.tree.flatten(result):
        np.asarray(keras.ops.convert_to_numpy(value)).sum()


def milliseconds(function, steps: int) -> str:
    """Runs a function again and again; returns the median of several means."""
    for _ in range(3):
        wait(function())
    means = []
    for _ in range(5):
        count = max(steps // 5, 1)
        started = time.monotonic()
        for _ in range(count):
            result = function()
        wait(result)
        means.append((time.monotonic() - started) / count * 1e3)
    return f"{statistics.median(means):.2f} ms"


def peak_memory() -> str:
    """Returns the most memory used so far, of the GPU if there is one."""
    if keras.backend.backend() == "jax":
        import jax

        memory = jax.devices()[0].memory_stats()
        if memory:
            return f"{memory['peak_bytes_in_use'] / 2**20:.0f} MiB"
    elif on_gpu():
        import tensorflow as tf

        return f"{tf.config.experimental.get_memory_info('GPU:0')['peak'] / 2**20:.0f} MiB"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB (process)"


if __name__ == "__main__":
    main()
