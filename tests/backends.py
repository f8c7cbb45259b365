"""What tests need to run on either Keras backend."""

import keras
import numpy as np
import pytest
from keras import ops

TENSORFLOW = keras.backend.backend() == "tensorflow"

tensorflow_only = pytest.mark.skipif(not TENSORFLOW, reason="needs the TensorFlow backend")


def to_numpy(value):
    """A tensor as a numpy array."""
    return ops.convert_to_numpy(value)


def compiled(function):
    """The function as one compiled graph on JAX, whose single steps are slow to start."""
    if TENSORFLOW:
        return function
    import jax

    layer = getattr(function, "__self__", function)
    if isinstance(layer, keras.Layer) and not layer.built:
        layer.build()  # Weights must not be created while JAX traces.
    return jax.jit(function)


def gradient(function, *arrays):
    """Gradients of a function of tensors to a scalar, by each array, as numpy arrays."""
    arrays = [ops.convert_to_tensor(array, "float32") for array in arrays]
    if not TENSORFLOW:
        import jax

        gradients = jax.jit(jax.grad(function, argnums=tuple(range(len(arrays)))))(*arrays)
        return [to_numpy(g) for g in gradients]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(arrays)
        value = function(*arrays)
    return [to_numpy(g) for g in tape.gradient(value, arrays)]


def value_and_gradients(function, inputs, learned, variables=()):
    """Output of a function of tensors, and gradients of a random projection of it.

    Args:
        function: Maps the inputs to one tensor.
        inputs: Arrays.
        learned: The first so many of them get a gradient.
        variables: Keras variables of the function.

    Returns:
        The output, gradients of the learned inputs, and gradients of the variables.
    """
    inputs = [ops.convert_to_tensor(array, "float32") for array in inputs]
    values = [variable.value for variable in variables]

    def project(output):
        weights = np.random.default_rng(0).normal(size=tuple(output.shape))
        return ops.sum(output * weights.astype(np.float32))

    if TENSORFLOW:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = function(*inputs)
            value = project(output)
        return (output, *tape.gradient(value, (inputs[:learned], values)))
    import jax

    def stateless(arrays, values):
        with keras.StatelessScope(zip(variables, values, strict=True)):
            output = function(*arrays, *inputs[learned:])
        return project(output), output

    graph = jax.jit(jax.value_and_grad(stateless, argnums=(0, 1), has_aux=True))
    (_, output), gradients = graph(inputs[:learned], values)
    return (output, *gradients)


def with_unknown_length(function, *arrays):
    """Calls a function as one TensorFlow graph that knows neither batch size nor length."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, None, *np.shape(a)[2:]], tf.float32) for a in arrays]
    result = tf.function(function, input_signature=signature)(*map(np.float32, arrays))
    return tf.nest.map_structure(to_numpy, result)
