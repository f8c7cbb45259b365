"""Compiled functions of models, on either backend.

Called eagerly, TensorFlow runs a GRU step by step, slower than real time, and JAX compiles every
operation separately.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from ddsp_tf.backend.division import undivided


def compiled(
    function: Callable, model: keras.Model | None = None, any_length: bool = False
) -> Callable:
    """Compiles a function of tensors that uses a model's weights.

    A method of a model is compiled once: the model keeps the result. Any other function is
    compiled by every call, and its result belongs to the caller.

    Args:
        function: Method of a Keras model, or function of tensors that uses one. A method of any
            other object, such as an exported model, is returned unchanged.
        model: Model that the function uses; by default the model whose method it is.
        any_length: Whether TensorFlow traces the function once for all sizes of its arguments'
            second axes, instead of once for the first size and once more for all others.

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
        return _compile(function, model, any_length)
    owner: Any = getattr(function, "__self__", None)
    if not (inspect.ismethod(function) and isinstance(owner, keras.Model)):
        return function
    # setattr would make Keras save the compiled functions with the model.
    methods = owner.__dict__.setdefault("_compiled_methods", {})
    key = function.__func__, any_length
    if key not in methods:
        methods[key] = _compile(function, owner, any_length)
    return methods[key]


def _compile(function, model, any_length):
    if keras.backend.backend() == "tensorflow":
        return _traced_for_any_length(function) if any_length else _traced(function)
    import jax

    @jax.jit
    def compute(values, *arguments):
        with keras.StatelessScope(zip(model.variables, values, strict=True)):
            return function(*arguments)

    def call(*arguments):
        # The weights are arguments, because JAX turns captured values into constants.
        values = [variable.value for variable in model.variables]
        if keras.distribution.distribution() is None:
            return compute(values, *arguments)
        # Every device has all weights.
        with undivided():
            return compute([value.addressable_data(0) for value in values], *arguments)

    return call


def _traced(function):
    import tensorflow as tf

    return tf.function(function, reduce_retracing=True, autograph=False)


def _traced_for_any_length(function):
    import tensorflow as tf

    traced = _traced(function)

    def specification(value):
        return tf.TensorSpec([value.shape[0], None, *value.shape[2:]], value.dtype)

    def call(*arguments):
        arguments = keras.tree.map_structure(tf.convert_to_tensor, arguments)
        # Later calls find this trace.
        traced.get_concrete_function(*keras.tree.map_structure(specification, arguments))
        return traced(*arguments)

    return call
