"""A model's methods as compiled functions, on either backend.

Called eagerly, TensorFlow runs a GRU step by step, slower than real time, and JAX compiles every
operation by itself.
"""

from collections.abc import Callable
from typing import Any

import keras


def in_graph(model: Any, name: str, function: Callable | None = None) -> Callable:
    """Returns one of a model's methods as a graph, made once a model.

    Args:
        model: A Keras model. Of anything else, such as an exported model, the method itself is
            returned.
        name: Name of the method; or any name, if a function is given.
        function: A function of tensors that uses the model, in place of a method.

    Returns:
        The compiled function. It follows later changes of the model's weights.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.layers.Dense(2)])
        >>> model.build((None, 3))
        >>> in_graph(model, "call")(np.ones((1, 3))).shape
        TensorShape([1, 2])
    """
    if not isinstance(model, keras.Model):
        return getattr(model, name)
    # Past Keras's attribute tracking, which would save graphs with the model.
    graphs = model.__dict__.setdefault("_graphs", {})
    if name not in graphs:
        function = function or getattr(model, name)
        jax = keras.backend.backend() == "jax"
        graphs[name] = _jax_graph(model, function) if jax else _tensorflow_graph(function)
    return graphs[name]


def _tensorflow_graph(function: Callable) -> Callable:
    import tensorflow as tf

    return tf.function(function, reduce_retracing=True, autograph=False)


def _jax_graph(model, function: Callable) -> Callable:
    import jax

    @jax.jit
    def compute(values, *arguments):
        with keras.StatelessScope(zip(model.variables, values, strict=True)):
            return function(*arguments)

    # The weights are arguments, because JAX makes what it finds while tracing a constant.
    return lambda *arguments: compute([v.value for v in model.variables], *arguments)
