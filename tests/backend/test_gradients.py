"""Hand-written gradients are used, unless only the way forward is asked for."""

import keras
import numpy as np
import pytest

from ddsp_tf.backend.gradients import custom_gradient, forward_only


@custom_gradient
def square(x):
    """Its gradient is told wrong, so that it can be recognized."""
    return x * x, lambda *arguments, upstream=None: 100.0 * (upstream or arguments[0])


def slope_at_three():
    if keras.backend.backend() == "jax":
        import jax

        return float(jax.grad(square)(3.0))
    import tensorflow as tf

    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = square(x)
    return float(tape.gradient(y, x))


def test_the_written_gradient_is_used():
    assert float(square(np.float32(3.0))) == 9.0
    assert slope_at_three() == 100.0


def test_forward_only_leaves_the_operations_as_they_are():
    with forward_only():
        assert float(square(np.float32(3.0))) == 9.0
        assert slope_at_three() == 6.0
        with forward_only():
            pass
        assert slope_at_three() == 6.0
    assert slope_at_three() == 100.0


def test_an_error_inside_does_not_leave_it_on():
    with pytest.raises(ZeroDivisionError), forward_only():
        raise ZeroDivisionError
    assert slope_at_three() == 100.0
