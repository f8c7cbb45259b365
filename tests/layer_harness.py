"""What Keras users expect of every layer and model, checked by one call."""

import json
import tempfile
from pathlib import Path

import keras
import numpy as np
from backends import to_numpy
from keras import tree
from tolerance import SUMS, assert_close


def run_layer_test(make, arguments, weights, rounding=SUMS, stateless=True):
    """Checks the Keras surface of a layer.

    Eager and symbolic calls, output shapes and dtypes, numpy inputs, weights that are created by
    `build`, configuration, `clone_model`, saving and loading, functional models with free batch
    and length, a step of `fit`, and Keras's global dtype policies and `floatx`.

    Args:
        make: Function that makes the layer.
        arguments: Positional arguments of its call: arrays, or dictionaries of arrays, batch
            first.
        weights: Number of weights that it has once it is built.
        rounding: Arithmetic between two computations of the same output, see `tolerance`.
        stateless: Whether equal inputs give equal outputs.
    """
    layer = make()
    assert layer.weights == []
    outputs = _numpy(layer(*_mapped(np.float64, arguments)))
    assert layer.built and len(layer.weights) == weights
    for value in tree.flatten(outputs):
        assert value.dtype == np.float32 and np.isfinite(value).all()
    _check_shapes(make, arguments, outputs)
    _check_config(layer)
    _check_built_alone(make, weights)
    if stateless:
        _check_functional(layer, arguments, outputs, rounding)
        _check_policies(make, arguments, outputs)


def _mapped(function, arguments):
    return tree.map_structure(function, arguments)


def _numpy(values):
    return tree.map_structure(to_numpy, values)


def _inputs(arguments, free):
    """Symbolic inputs of the arguments: any batch, and any length if `free`."""

    def one(value):
        shape = list(value.shape[1:])
        if free and shape:
            shape[0] = None
        return keras.Input(tuple(shape), dtype="float32")

    return _mapped(one, arguments)


def _check_shapes(make, arguments, outputs):
    layer = make()
    shapes = tree.map_structure(lambda value: tuple(value.shape), outputs)
    given = _mapped(lambda value: tuple(value.shape), arguments)
    assert layer.compute_output_shape(*given) == shapes
    for free in (False, True):
        symbolic = make()(*_inputs(arguments, free))
        for known, value in zip(tree.flatten(symbolic), tree.flatten(outputs), strict=True):
            assert known.dtype == "float32" and len(known.shape) == value.ndim
            assert known.shape[0] is None
            expected = [None if free and axis == 1 else n for axis, n in enumerate(value.shape)]
            if value.ndim > 2 or not isinstance(symbolic, tuple):  # A state has no length.
                assert list(known.shape[1:]) == expected[1:]


def _check_config(layer):
    config = layer.get_config()
    json.dumps(keras.saving.serialize_keras_object(layer))
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert again.name == layer.name


def _check_built_alone(make, weights):
    """Layers whose weights do not depend on the inputs' shapes are built without them."""
    layer = make()
    if hasattr(layer, "input_names"):
        layer.build()
        assert len(layer.weights) == weights


def _check_functional(layer, arguments, outputs, rounding):
    """As a model: it plays the same when called, loaded and cloned, and `fit` trains it."""
    inputs = _inputs(arguments, free=True)
    model = keras.Model(tree.flatten(inputs), tree.flatten(layer(*inputs)))
    expected = tree.flatten(outputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    flat = _mapped(np.float32, tree.flatten(arguments))
    for copy in (model, loaded, clone):
        found = tree.flatten(_numpy(copy(flat)))
        for ours, theirs in zip(found, expected, strict=True):
            assert_close(ours, theirs, rounding)
    if model.trainable_weights:
        before = model.get_weights()
        model.compile(keras.optimizers.SGD(1e-3), loss="mse")
        history = model.fit(flat, [0.0 * value for value in expected], verbose=0)
        assert np.isfinite(history.history["loss"][0])
        pairs = zip(before, model.get_weights(), strict=True)
        assert any(np.any(one != other) for one, other in pairs)


def _check_policies(make, arguments, outputs):
    """It computes under half precision and float64 as global settings of Keras."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        for name in ("mixed_bfloat16", "float64"):
            if name == "float64":
                keras.config.set_floatx("float64")
            keras.config.set_dtype_policy(name)
            layer = make()
            found = layer(*_mapped(np.float32, arguments))
            for value, expected in zip(tree.flatten(found), tree.flatten(outputs), strict=True):
                value = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")))
                assert value.shape == expected.shape and np.isfinite(value).all()
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
