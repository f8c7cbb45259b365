import keras
import numpy as np
import pytest
from backends import compiled, to_numpy
from small_models import randomize
from tolerance import SUMS, assert_close

from ddsp_tf.models.dense_stack import DenseStack


def expected_stack(stack, x):
    """Dense, layer normalization and leaky ReLU, in numpy."""
    weights = iter(stack.get_weights())
    for kernel, bias, scale, offset in zip(weights, weights, weights, weights, strict=True):
        x = x @ kernel + bias
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        x = x * scale + offset
        x = np.where(x > 0.0, x, 0.2 * x)
    return x


def test_dense_stack_is_its_formula(rng):
    stack = DenseStack(channels=6, n_layers=2)
    stack.build((None, None, 3))
    randomize(stack)
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    assert_close(to_numpy(compiled(stack)(x)), expected_stack(stack, x), SUMS)
    assert stack.compute_output_shape((2, 5, 3)) == (2, 5, 6)


def test_channels_beside_others(rng):
    stack = DenseStack(channels=6, n_layers=2)
    stack.build((None, None, 3), (None, None, 4))
    randomize(stack)
    parts = [rng.normal(size=(2, 5, n)).astype(np.float32) for n in (3, 4)]
    expected = expected_stack(stack, np.concatenate(parts, axis=-1))
    assert_close(to_numpy(compiled(stack)(*parts)), expected, SUMS)
    assert stack.compute_output_shape((2, 5, 3), (2, 5, 4)) == (2, 5, 6)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(rng, precision):
    """Products in half precision; weights stay float32."""
    stack = DenseStack(channels=6, n_layers=2, dtype=precision)
    stack.build((None, None, 3))
    randomize(stack)
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    outputs = stack(x)
    assert keras.backend.standardize_dtype(outputs.dtype) == precision.removeprefix("mixed_")
    ours = to_numpy(keras.ops.cast(outputs, "float32"))
    np.testing.assert_allclose(ours, expected_stack(stack, x), atol=0.1)
    assert {weight.dtype for weight in stack.weights} == {"float32"}


def test_a_stack_of_nothing_is_named():
    with pytest.raises(ValueError, match="n_layers=0; expected at least 1"):
        DenseStack(channels=6, n_layers=0)
