"""The devices that a training runs on."""

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import keras

from ddsp_tf.backend.placement import has_accelerator
from ddsp_tf.errors import UserError
from ddsp_tf.training.processes import process_count, process_number

# Steps that `fit` gives a GPU at a time: callbacks and logs after every step would add a fifth of
# its time.
_STEPS_AT_A_TIME = 10


def steps_at_a_time(*counts: int) -> int:
    """Chooses `steps_per_execution` for `model.compile`.

    Args:
        *counts: Numbers of steps that executions must fill exactly.

    Returns:
        Largest common divisor of the counts up to ten on an accelerator; 1 on a CPU, whose steps
        are long, so that a training can be stopped after each.
    """
    if not has_accelerator():
        return 1
    sizes = range(_STEPS_AT_A_TIME, 0, -1)
    return next(size for size in sizes if all(count % size == 0 for count in counts))


def configure_backend() -> None:
    """Makes runs on a CPU reproducible to the last digit, and reserves GPUs for the backend."""
    import tensorflow as tf

    if keras.backend.backend() == "jax":
        with contextlib.suppress(RuntimeError):  # Too late if TensorFlow has already run.
            tf.config.set_visible_devices([], "GPU")
    elif not tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def spread_over(devices: int | None) -> Iterator[None]:
    """Divides batches over devices, for models that are created and trained inside.

    It uses `tf.distribute.MirroredStrategy` on TensorFlow and `keras.distribution.DataParallel` on
    JAX.

    Args:
        devices: Number of devices of each process; GPUs if there are any, otherwise CPUs. By
            default one, or all if several processes train together.

    Raises:
        UserError: If there are fewer.

    Example:
        >>> with spread_over(1):
        ...     layer = keras.layers.Dense(1)
    """
    processes = process_count()
    if processes == 1 and devices in (None, 1):
        yield
        return
    if keras.backend.backend() == "jax":
        import jax

        own: dict[int, list[str]] = {process: [] for process in range(processes)}
        for device in jax.devices():
            own[device.process_index].append(f"{device.platform}:{device.id}")
        for found in own.values():
            _check_number(devices or 1, found)
        parallel = keras.distribution.DataParallel(
            devices=[device for found in own.values() for device in found[:devices]],
            auto_shard_dataset=False,
        )
        with parallel.scope():
            yield
        return
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    _check_number(devices or 1, found)
    # NCCL fails on TensorFlow 2.21 when `fit` runs several steps at a time, because the keys of a
    # group do not reach a loop. Copying the single vector that the devices exchange takes little
    # time. `HierarchicalCopyAllReduce` omits the last of three devices.
    strategy = tf.distribute.MirroredStrategy(
        [device.name for device in found[:devices]],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    with strategy.scope():
        yield


def device_count() -> int:
    """Returns the number of devices of all processes that divide batches, inside `spread_over`.

    Example:
        >>> device_count()
        1
    """
    if keras.backend.backend() == "jax":
        distribution = keras.distribution.distribution()
        return 1 if distribution is None else distribution.device_mesh.devices.size
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def divided_batches(make_batches: Callable[..., Any], batch_size: int, first_step: int) -> Any:
    """Creates the batches of a training for `fit`, divided over devices, inside `spread_over`.

    `MirroredStrategy` would divide batches by copying their clips again in a single thread, for
    which several GPUs wait. Here each device reads its own part of each batch.

    Args:
        make_batches: Function that returns an endless `tf.data.Dataset` when called as
            `make_batches(batch_size=..., first_step=...)`, and with `part` and `parts` for one of
            several devices or processes, such as `training_batches` with its other arguments.
        batch_size: Number of clips per step, over all devices of all processes.
        first_step: Number of the first step.

    Returns:
        Dataset for `fit`.

    Example:
        >>> import tensorflow as tf
        >>> def make_batches(batch_size, first_step):
        ...     clips = tf.data.Dataset.counter(first_step * batch_size)
        ...     return clips.batch(batch_size)
        >>> next(iter(divided_batches(make_batches, batch_size=2, first_step=5))).numpy().tolist()
        [10, 11]
    """
    devices, processes = device_count(), process_count()
    if processes > 1:
        part = {"part": process_number(), "parts": processes}
        return make_batches(batch_size=batch_size, first_step=first_step, **part)
    if devices == 1 or keras.backend.backend() == "jax":
        return make_batches(batch_size=batch_size, first_step=first_step)
    import tensorflow as tf

    def in_turn(context):
        # Each part is read by threads of its own.
        batches = [
            make_batches(batch_size=batch_size, first_step=first_step, part=part, parts=devices)
            for part in range(devices)
        ]
        return tf.data.Dataset.choose_from_datasets(
            batches, tf.data.Dataset.range(devices).repeat()
        )

    return tf.distribute.get_strategy().distribute_datasets_from_function(in_turn)


def _check_number(devices: int, found: list) -> None:
    if len(found) < devices:
        raise UserError(f"devices={devices}: {devices} devices asked for, {len(found)} found")


def memory_of_gpus() -> str:
    """Describes the memory of the GPUs, and the processes that use it.

    Returns:
        Text such as "GPU 0: 1.0 of 80.0 GiB free, process 71 holds 78.2 GiB"; empty without
        `nvidia-smi`.
    """
    try:
        gpus = _query("--query-gpu=index,uuid,memory.free,memory.total")
        processes = _query("--query-compute-apps=gpu_uuid,pid,used_memory")
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    texts = []
    for index, uuid, free, total in gpus:
        text = f"GPU {index}: {_gibibytes(free)} of {_gibibytes(total)} GiB free"
        held = [row for row in processes if row[0] == uuid]
        text += "".join(f", process {pid} holds {_gibibytes(used)} GiB" for _, pid, used in held)
        texts.append(text)
    return "; ".join(texts)


def _query(question: str) -> list[list[str]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        raise OSError("no nvidia-smi")
    done = subprocess.run(
        [program, question, "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines()]


def _gibibytes(mebibytes: str) -> str:
    return f"{float(mebibytes) / 1024:.1f}" if mebibytes.replace(".", "").isdigit() else "?"
