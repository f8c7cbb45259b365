"""One optimizer step on JAX, on one device or on several."""

import contextlib
import signal
import threading

import jax
import keras
import numpy as np
from jax import numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec


@contextlib.contextmanager
def _interrupts_held_back():
    """Delays Ctrl-C until the step that has taken the old weights has handed over the new ones."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held = []
    before = signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held and callable(before):
            before(*held[0])


class JaxStep:
    """Computes gradients and changes weights; see `ddsp_tf.training.step`.

    The weights being trained live outside the model, as arrays that each step consumes; `read`
    and `write` exchange them with the model's and the optimizer's variables.
    """

    def __init__(self, objective, optimizer, gradient_norm: float, seed: int, devices: int = 1):
        self.objective, self.optimizer = objective, optimizer
        self.gradient_norm = gradient_norm
        self.key = jax.random.key(seed % (1 << 63))
        if len(jax.devices()) < devices:
            raise ValueError(f"{devices} devices asked for, {len(jax.devices())} found")
        mesh = Mesh(np.array(jax.devices()[:devices]), ("batch",))
        self._whole = NamedSharding(mesh, PartitionSpec())
        self._split = NamedSharding(mesh, PartitionSpec("batch"))
        self._step = jax.jit(self._compute, donate_argnums=(0, 1))
        self.read()

    @property
    def _variables(self):
        return self.objective.model.trainable_variables, self.optimizer.variables

    def read(self):
        """Takes the weights from the model and the optimizer."""
        weights, states = ([jnp.array(v.value) for v in group] for group in self._variables)
        self.weights, self.states = jax.device_put((weights, states), self._whole)

    def write(self):
        """Gives the weights to the model and the optimizer."""
        for variables, values in zip(self._variables, (self.weights, self.states), strict=True):
            for variable, value in zip(variables, values, strict=True):
                # A copy, because the next step consumes the arrays.
                variable.assign(np.asarray(value))

    def run(self, batch, step: int) -> jax.Array:
        """Trains on one batch."""
        batch = {
            key: value if isinstance(value, jax.Array) else np.asarray(value)
            for key, value in batch.items()
            if key != "source"
        }
        batch = jax.device_put(batch, self._split)
        with _interrupts_held_back():
            self.weights, self.states, numbers = self._step(self.weights, self.states, batch, step)
        return numbers

    def _compute(self, weights, states, batch, step):
        noise = jax.random.uniform(
            jax.random.fold_in(self.key, step), batch["audio"].shape, minval=-1.0, maxval=1.0
        )
        gradients, numbers = jax.grad(self._loss, has_aux=True)(weights, batch, noise)
        norm = jnp.sqrt(sum(jnp.sum(jnp.square(gradient)) for gradient in gradients))
        factor = jnp.minimum(1.0, self.gradient_norm / jnp.maximum(norm, 1e-20))
        gradients = [gradient * factor for gradient in gradients]
        with keras.StatelessScope(zip(self.optimizer.variables, states, strict=True)):
            rate = keras.ops.convert_to_tensor(self.optimizer.learning_rate)
        weights, states = self.optimizer.stateless_apply(states, gradients, weights)
        measured = [numbers[name] for name in self.objective.names]
        return weights, states, jnp.stack([*measured, norm, rate])

    def _loss(self, weights, batch, noise):
        variables = self.objective.model.trainable_variables
        with keras.StatelessScope(zip(variables, weights, strict=True)):
            inputs = self.objective.inputs(batch, noise)
            return self.objective.measure(inputs, batch["audio"])
