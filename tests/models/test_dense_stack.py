import numpy as np
from backends import compiled, to_numpy
from small_models import randomize

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
    np.testing.assert_allclose(to_numpy(compiled(stack)(x)), expected_stack(stack, x), atol=1e-4)
    assert stack.compute_output_shape((2, 5, 3)) == (2, 5, 6)
