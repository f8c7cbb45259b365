"""A case as two TensorFlow graphs: its output, and its gradients. For either implementation."""

import tensorflow as tf


class TensorFlowProgram:
    """Runs a function of tensors, and its gradients, as graphs.

    Args:
        function: Function from tensors, by name, to audio [batch, samples] or to a scalar.
        inputs: Arrays by name, with "slope", the gradient that comes back to audio.
        learned: Names of the inputs whose gradient is asked for.
        weights: Function that returns the trainable variables.
        xla: Whether XLA compiles the graphs.
    """

    def __init__(self, function, inputs, learned, weights, xla=False):
        inputs = dict(inputs)
        slope = tf.constant(inputs.pop("slope"))
        self._inputs = {name: tf.constant(array) for name, array in inputs.items()}

        def output(values):
            return function(**values)

        def gradients(values):
            with tf.GradientTape() as tape:
                chosen = [values[name] for name in learned]
                tape.watch(chosen)
                result = function(**values)
            above = slope[:, : result.shape[1]] if result.shape.rank else tf.ones(())
            return result, tape.gradient(result, [*chosen, *weights()], output_gradients=above)

        self._output = tf.function(output, jit_compile=xla)
        self._gradients = tf.function(gradients, jit_compile=xla)
        self._on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.device = _gpu_name() if self._on_gpu else "CPU"

    def forward(self):
        """Computes the output."""
        self._finish(self._output(self._inputs))

    def gradient(self):
        """Computes output and gradients."""
        self._finish(self._gradients(self._inputs))

    def values(self):
        """Returns output and gradients as arrays, for comparisons."""
        return tf.nest.map_structure(lambda value: value.numpy(), self._gradients(self._inputs))

    def peak_device_bytes(self):
        """Returns the most memory of a GPU in use at one time; None without one."""
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] if self._on_gpu else None

    def _finish(self, value):
        if self._on_gpu:
            tf.test.experimental.sync_devices()
        return value


def _gpu_name() -> str:
    device = tf.config.list_physical_devices("GPU")[0]
    return tf.config.experimental.get_device_details(device).get("device_name", "GPU")
