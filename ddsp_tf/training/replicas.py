"""Training steps of a model that TensorFlow replicates on several devices.

Keras compiles a whole step with XLA, which `tf.distribute.MirroredStrategy` does not allow, and
clips the gradients of each replica before adding them, so several devices train differently from
one. Here each replica compiles its loss and its gradients, a single vector that the devices add in
one exchange; then each compiles the update with the gradient of the whole batch.

Several steps in one execution follow each other in one graph. The loop that Keras would build keeps
the clips of all devices on one of them between two steps, and NCCL does not work in it.
"""

import math
from typing import Any

import keras
import tensorflow as tf

from ddsp_tf.backend.placement import has_accelerator
from ddsp_tf.training.averaging import optimizer_of
from ddsp_tf.training.optimizer import InstrumentAdam


def compile_replicas(model: keras.Model) -> None:
    """Replaces the training step of a model on several devices.

    On one device, and on JAX, whose steps need no replacement, it does nothing.

    Args:
        model: Model, compiled in the scope of `spread_over` and not yet trained. Its optimizer must
            not scale the loss: compile with `auto_scale_loss=False`.

    Example:
        >>> from ddsp_tf.training.devices import spread_over
        >>> with spread_over(1):
        ...     model = keras.Sequential([keras.layers.Dense(1)])
        ...     model.compile("adam", "mse", auto_scale_loss=False)
        ...     compile_replicas(model)
    """
    if keras.backend.backend() != "tensorflow":
        return
    if model.distribute_strategy.num_replicas_in_sync > 1:
        model.train_function = _several_steps(model, _ReplicaStep(model).run)


def _several_steps(model, step):
    """Makes the function that `fit` calls with an iterator over the batches of all devices."""
    strategy = model.distribute_strategy

    def run(iterator):
        for _ in range(model.steps_per_execution):
            logs = strategy.run(step, args=(next(iterator),))
        mean = tf.distribute.ReduceOp.MEAN
        return {name: strategy.reduce(mean, value, axis=None) for name, value in logs.items()}

    return tf.function(run, autograph=False, reduce_retracing=True)


class _ReplicaStep:
    def __init__(self, model):
        self.model = model
        compiled = {"jit_compile": has_accelerator(), "autograph": False}
        self._measure = tf.function(self._loss_and_gradient, **compiled)
        self._apply = tf.function(self._update_weights, **compiled)

    def run(self, data) -> dict[str, Any]:
        """Trains on one device's part of a batch, with the gradients of all."""
        context = tf.distribute.get_replica_context()
        gradient, logs = self._measure(data)
        gradient = context.all_reduce(tf.distribute.ReduceOp.SUM, gradient)
        context.merge_call(self._update, args=(gradient,))
        return logs

    def _loss_and_gradient(self, data):
        model = self.model
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        # Otherwise all devices would draw the same noise.
        own = [tf.distribute.get_replica_context().replica_id_in_sync_group, 0]
        for seed in seeds:
            seed.assign_add(tf.cast(own, seed.dtype))
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            # Divided by the number of devices, because the gradients are summed.
            loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        for seed in seeds:
            seed.assign_sub(tf.cast(own, seed.dtype))
        whole = loss * model.distribute_strategy.num_replicas_in_sync
        model._loss_tracker.update_state(whole, sample_weight=tf.shape(y_pred)[0])
        logs = model.compute_metrics(x, y, y_pred, sample_weight)
        return tf.concat([tf.reshape(part, [-1]) for part in gradients], axis=0), logs

    def _update(self, strategy, gradient):
        # Once on each device, for all variables: the one named here only represents its device.
        strategy.extended.update(
            self.model.trainable_variables[0].value,
            lambda _, summed: self._apply(summed),
            args=(gradient,),
            group=False,
        )
        optimizer_of(self.model).iterations.assign_add(1)

    def _update_weights(self, gradient):
        """Updates the weights on one device, as `optimizer.apply` would.

        `optimizer.apply` would clip the gradients before adding them, and add them again.
        """
        optimizer, variables = optimizer_of(self.model), self.model.trainable_variables
        parts = tf.split(gradient, [math.prod(variable.shape) for variable in variables])
        shaped = zip(parts, variables, strict=True)
        gradients = [tf.reshape(part, variable.shape) for part, variable in shaped]
        gradients = optimizer._clip_gradients(gradients)
        rate = tf.convert_to_tensor(optimizer.learning_rate)
        if isinstance(optimizer, InstrumentAdam):
            rate = optimizer.step_sizes(rate)
        for part, variable in zip(gradients, variables, strict=True):
            optimizer.update_step(part, variable.value, rate)
        optimizer._update_model_variables_moving_average(variables)
