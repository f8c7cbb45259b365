"""Compiled functions of models, on either backend.

Called eagerly, TensorFlow runs a GRU step by step, slower than real time, and JAX compiles every
operation separately.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras


def compiled(function: Callable, model: keras.Model | None = None) -> Callable:
    """Compiles a function of tensors that uses a model's weights.

    A method of a model is compiled once: the model keeps the result. Any other function is
    compiled by every call, and its result belongs to the caller.

    Args:
        function: Method of a Keras model, or function of tensors that uses one. A method of
            anything else, such as an exported model, is returned as it is.
        model: Model that the function uses; by default the one whose method it is.

    Returns:
        The compiled function. It follows later changes of the model's weights.

    Example:
        >>> import numpy as np
        >>> model = keras.Sequential([keras.layers.Dense(2)])
        >>> model.build((None, 3))
        >>> compiled(model.call)(np.ones((1, 3))).shape
        TensorShape([1, 2])
    """
    if model is not None:
        return _compile(function, model)
    owner: Any = getattr(function, "__self__", None)
    if not (inspect.ismethod(function) and isinstance(owner, keras.Model)):
        return function
    # Not by setattr, because Keras would save the compiled functions with the model.
    methods = owner.__dict__.setdefault("_compiled_methods", {})
    if function.__func__ not in methods:
        methods[function.__func__] = _compile(function, owner)
    return methods[function.__func__]


def _compile(function, model):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, reduce_retracing=True, autograph=False)
    import jax

    @jax.jit
    def compute(values, *arguments):
        with keras.StatelessScope(zip(model.variables, values, strict=True)):
            return function(*arguments)

    # The weights are arguments, because JAX makes what it finds while tracing a constant.
    return lambda *arguments: compute([v.value for v in model.variables], *arguments)
