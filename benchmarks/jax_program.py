"""A case of ours as two JAX functions: its output, and its gradients. TensorFlow is not needed."""

import jax
import keras


class JaxProgram:
    """Runs a function of tensors, and its gradients, compiled.

    Args:
        function: Function from tensors, by name, to audio [batch, samples] or to a scalar.
        inputs: Arrays by name, with "slope", the gradient of the audio.
        learned: Names of the inputs whose gradient is computed.
        layers: Keras layers that the function calls.
    """

    def __init__(self, function, inputs, learned, layers):
        inputs = {name: jax.device_put(array) for name, array in inputs.items()}
        slope = inputs.pop("slope")
        weights = [v for layer in layers for v in layer.trainable_variables]
        state = [v for layer in layers for v in layer.non_trainable_variables]
        self._arguments = (
            {name: inputs.pop(name) for name in learned},
            [weight.value for weight in weights],
            inputs,
            [variable.value for variable in state],
            slope,
        )

        def output(learned, weight_values, fixed, state_values, slope):
            del slope
            mapping = zip([*weights, *state], [*weight_values, *state_values], strict=True)
            with keras.StatelessScope(state_mapping=list(mapping)):
                return function(**learned, **fixed)

        def gradients(learned, weight_values, fixed, state_values, slope):
            result, pull_back = jax.vjp(
                lambda a, b: output(a, b, fixed, state_values, slope), learned, weight_values
            )
            above = slope[:, : result.shape[1]] if result.ndim else jax.numpy.ones(())
            return result, pull_back(above)

        self._output, self._gradients = jax.jit(output), jax.jit(gradients)
        self._device = jax.devices()[0]
        self.device = self._device.device_kind if self._device.platform != "cpu" else "CPU"

    def forward(self):
        """Computes the output."""
        jax.block_until_ready(self._output(*self._arguments))

    def gradient(self):
        """Computes output and gradients."""
        jax.block_until_ready(self._gradients(*self._arguments))

    def peak_device_bytes(self):
        """Returns the most memory of a GPU in use at one time; None without one."""
        statistics = self._device.memory_stats() if self.device != "CPU" else None
        return statistics["peak_bytes_in_use"] if statistics else None
