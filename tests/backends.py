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


def with_unknown_length(function, *arrays):
    """Calls a function as one TensorFlow graph that knows neither batch size nor length."""
    import tensorflow as tf

    signature = [tf.TensorSpec([None, None, *np.shape(a)[2:]], tf.float32) for a in arrays]
    result = tf.function(function, input_signature=signature)(*map(np.float32, arrays))
    return tf.nest.map_structure(to_numpy, result)
