"""One optimizer step on TensorFlow, on one device or on several."""

import contextlib
from collections.abc import Callable

import tensorflow as tf


def compile_on_gpu(function: Callable) -> Callable:
    """Compiles a function with XLA where there is a GPU.

    Only what is around cuDNN's LSTM may be compiled: XLA has no such kernel. On a CPU, TensorFlow's
    own kernels are as fast and start at once.

    Args:
        function: Takes and returns tensors.

    Returns:
        The function, compiled or as it was.

    Example:
        >>> float(compile_on_gpu(lambda x: x + 1.0)(tf.constant(1.0)))
        2.0
    """
    if tf.config.list_physical_devices("GPU"):
        return tf.function(function, jit_compile=True, autograph=False)
    return function


def distribution(devices: int):
    """Returns the strategy that holds a model's variables on several devices of this host.

    Args:
        devices: How many; GPUs if there are any, else CPUs (of which TensorFlow can be told to
            see several).

    Returns:
        A `tf.distribute.MirroredStrategy`, or the default one for a single device.

    Raises:
        ValueError: If there are fewer.
    """
    if devices == 1:
        return tf.distribute.get_strategy()
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(found) < devices:
        raise ValueError(f"{devices} devices asked for, {len(found)} found")
    return tf.distribute.MirroredStrategy([device.name for device in found[:devices]])


@contextlib.contextmanager
def compiled_around_kernel(decoder):
    """Compiles a decoder's layers before and after its fused kernel while the block is traced.

    Args:
        decoder: A `Decoder` with a fused kernel.
    """
    names = ("read_inputs", "make_outputs")
    # Past Keras's attribute tracking, which would save functions with the model.
    vars(decoder).update({name: compile_on_gpu(getattr(decoder, name)) for name in names})
    try:
        yield
    finally:
        for name in names:
            del vars(decoder)[name]


class TensorFlowStep:
    """Computes gradients and changes weights; see `ddsp_tf.training.step`."""

    def __init__(self, objective, optimizer, gradient_norm: float, seed: int, devices: int = 1):
        self.objective, self.optimizer = objective, optimizer
        self.gradient_norm, self.seed = gradient_norm, seed
        self.model = objective.model
        self.strategy = tf.distribute.get_strategy()
        if devices > 1 and self.strategy.num_replicas_in_sync != devices:
            raise ValueError("the model was not made under scope(devices)")
        self._measure = objective.measure
        # Never both: what is compiled inside of what is compiled gets all its inputs as constants,
        # and is compiled again for the noise of every step.
        if self.model.decoder.has_fused_kernel:
            self._measure = compile_on_gpu(self._measure)
        else:
            self._loss_and_gradients = compile_on_gpu(self._loss_and_gradients)
        self._apply = compile_on_gpu(self._apply if devices == 1 else self._apply_to_copies)

    def run(self, batch, step: int) -> tf.Tensor:
        """Trains on one batch."""
        batch = {key: value for key, value in batch.items() if key != "source"}
        return self._run(batch, tf.constant(step, tf.int64))

    @tf.function(reduce_retracing=True, autograph=False)
    def _run(self, batch, step):
        replicas = self.strategy.num_replicas_in_sync
        rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        if replicas == 1:
            numbers, gradients = self._gradients(batch, step)
            return tf.concat([numbers, [self._apply(gradients), rate]], axis=0)

        def part(context):
            own = context.replica_id_in_sync_group
            return tf.nest.map_structure(lambda value: tf.split(value, replicas)[own], batch)

        parts = self.strategy.experimental_distribute_values_from_function(part)
        numbers, gradients = self.strategy.run(self._gradients, args=(parts, step))
        numbers = self.strategy.reduce(tf.distribute.ReduceOp.MEAN, numbers, axis=None)
        # Once on each device, for all variables: the one named here only stands for its device.
        norms = self.strategy.extended.update(
            self.model.trainable_variables[0].value,
            lambda _, gradients: self._apply(gradients),
            args=(gradients,),
            group=False,
        )
        self.optimizer.iterations.assign_add(1)
        return tf.concat([numbers, [norms[0], rate]], axis=0)

    def _gradients(self, batch, step):
        numbers, gradients = self._loss_and_gradients(batch, self._noise(batch, step))
        if self.strategy.num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        return tf.stack([numbers[name] for name in self.objective.names]), gradients

    def _noise(self, batch, step):
        """Returns this device's part of the step's noise, [clips, samples] in [-1, 1).

        Every device makes the noise of all, which takes less time than sending it.
        """
        seed = tf.stack([tf.constant(self.seed % (1 << 63), tf.int64), step])
        replicas = self.strategy.num_replicas_in_sync
        shape = [replicas, *tf.unstack(tf.shape(batch["audio"]))]
        noise = tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
        return noise[tf.distribute.get_replica_context().replica_id_in_sync_group]

    def _loss_and_gradients(self, batch, noise):
        decoder = self.model.decoder
        fused = decoder.has_fused_kernel
        around = compiled_around_kernel(decoder) if fused else contextlib.nullcontext()
        with tf.GradientTape() as tape, around:
            inputs = self.objective.inputs(batch, noise)
            loss, numbers = self._measure(inputs, batch["audio"])
        variables = [variable.value for variable in self.model.trainable_variables]
        return numbers, tape.gradient(loss, variables)

    def _apply(self, gradients):
        gradients, norm = tf.clip_by_global_norm(gradients, self.gradient_norm)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        return norm

    def _apply_to_copies(self, gradients):
        """Changes one device's copies of the weights, as `optimizer.apply` would.

        That one cannot be compiled for several devices, because all count their steps together,
        and adds up their gradients, which are means already.
        """
        gradients, norm = tf.clip_by_global_norm(gradients, self.gradient_norm)
        rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        for gradient, variable in zip(gradients, self.model.trainable_variables, strict=True):
            self.optimizer.update_step(gradient, variable.value, rate)
        self.optimizer._update_model_variables_moving_average(self.model.trainable_variables)
        return norm

    def read(self):
        """Nothing to do: the model's variables are what is trained."""

    def write(self):
        """Nothing to do: the model's variables are what is trained."""
