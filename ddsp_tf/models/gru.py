"""A gated recurrent unit over whole sequences.

On an H100, a training step of `solo_instrument` took 46 ms and 4 GiB with `keras.layers.GRU`, and
18 ms and 1.4 GiB with this one, which is in the same XLA program as the rest of the step.
"""

from typing import Any

from keras import ops

from ddsp_tf.backend.execution import TRAINING, Execution, custom_gradient
from ddsp_tf.models.frame_loop import frame_loop
from ddsp_tf.typing import Tensor


def run_gru(
    layer: Any, inputs: Tensor, state: Tensor, execution: Execution = TRAINING
) -> tuple[Tensor, ...]:
    """Runs `gru` with the weights of a Keras layer.

    Args:
        layer: `keras.layers.GRU` that returns sequences and state, built.
        inputs: Inputs [batch, frames, channels], in the layer's compute dtype.
        state: State before the first frame [batch, units], float32.
        execution: Whether the hand-written gradient is attached.

    Returns:
        Tuple of the states after every frame, [batch, frames, units] in the layer's compute dtype,
        and the last state in float32.

    Example:
        >>> from keras import layers
        >>> layer = layers.GRU(4, return_sequences=True, return_state=True)
        >>> layer.build((None, None, 3))
        >>> states, last = run_gru(layer, ops.ones((2, 5, 3)), ops.zeros((2, 4)))
        >>> states.shape, last.shape
        (TensorShape([2, 5, 4]), TensorShape([2, 4]))
    """
    cell = layer.cell
    kernel, recurrent_kernel, bias = (
        ops.cast(weight, layer.compute_dtype)
        for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    states, last = gru(inputs, kernel, recurrent_kernel, bias, state, execution)
    return ops.cast(states, layer.compute_dtype), last


def gru(
    inputs: Tensor,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    state: Tensor,
    execution: Execution = TRAINING,
) -> tuple[Tensor, ...]:
    """Computes what `keras.layers.GRU` (reset_after=True) computes, from its weights.

    The loop over frames contains only the product with the previous state: the products with the
    inputs and all gradients of weights are single products over all frames. The backward pass
    recomputes the gates from the states instead of keeping them.

    Args:
        inputs: Inputs [batch, frames, channels].
        kernel: Weights of the inputs [channels, 3 * units], for update gate, reset gate and
            candidate.
        recurrent_kernel: Weights of the state [units, 3 * units].
        bias: Biases for inputs and state [2, 3 * units].
        state: State before the first frame [batch, units], float32.
        execution: Whether the hand-written gradient is attached.

    Returns:
        Tuple of the states after every frame, [batch, frames, units] float32, and the last state.

    Example:
        >>> import numpy as np
        >>> zeros = np.zeros
        >>> states, last = gru(zeros((2, 5, 3), "float32"), zeros((3, 12), "float32"),
        ...                    zeros((4, 12), "float32"), zeros((2, 12), "float32"),
        ...                    np.ones((2, 4), "float32"))
        >>> states.shape, float(last[0, 0])  # The gates are half open: 1 / 2 ** 5.
        (TensorShape([2, 5, 4]), 0.03125)
    """
    bias = ops.cast(bias, "float32")
    projected = ops.cast(ops.matmul(inputs, kernel), "float32") + bias[0]
    projected = ops.transpose(projected, (1, 0, 2))
    if projected.shape[0] == 1:  # For one frame, a loop would cost more than its body.
        recurrent = _product(state, ops.convert_to_tensor(recurrent_kernel)) + bias[1]
        state = _advance(projected[0], recurrent, state)[0]
        return state[:, None], state
    recurrent_kernel = ops.convert_to_tensor(recurrent_kernel)
    states = _recurrence(projected, recurrent_kernel, bias[1], state, execution)
    return ops.transpose(states, (1, 0, 2)), states[-1]


def _recurrence(projected, kernel, bias, state, execution):
    """Differentiable loop over frames; time comes first: [frames, batch, 3 * units]."""

    def run(projected, kernel, bias, state):
        def step(state, sequences):
            state = _advance(sequences[0], _product(state, kernel) + bias, state)[0]
            return state, state

        _, states = frame_loop(step, state, [projected])

        def backward(upstream):
            return _gradients(projected, kernel, bias, state, states, upstream)

        return states, backward

    return custom_gradient(run, execution)(projected, kernel, bias, state)


def _product(state, kernel):
    return ops.cast(ops.matmul(ops.cast(state, kernel.dtype), kernel), "float32")


def _advance(projected, recurrent, state):
    """Returns the new state, both gates, the candidate, and the state's part of the candidate."""
    of_inputs, of_state = ops.split(projected, 3, axis=-1), ops.split(recurrent, 3, axis=-1)
    update = ops.sigmoid(of_inputs[0] + of_state[0])
    reset = ops.sigmoid(of_inputs[1] + of_state[1])
    candidate = ops.tanh(of_inputs[2] + reset * of_state[2])
    return candidate + update * (state - candidate), update, reset, candidate, of_state[2]


def _gradients(projected, kernel, bias, state, states, upstream):
    before = ops.concatenate([state[None], states[:-1]], axis=0)
    recurrent = _product(before, kernel) + bias
    _, update, reset, candidate, past = _advance(projected, recurrent, before)
    # With h = c + u (h' - c): derivatives of h by the arguments of u, of c, and of r within c.
    by_update = (before - candidate) * update * (1.0 - update)
    by_candidate = (1.0 - update) * (1.0 - candidate * candidate)
    by_reset = by_candidate * past * reset * (1.0 - reset)
    by_recurrent = ops.concatenate([by_update, by_reset, by_candidate * reset], axis=-1)
    transposed = ops.transpose(kernel)

    def step(from_later, sequences):
        upstream, update, by_recurrent = sequences
        total = upstream + from_later
        through_gates = _product(ops.tile(total, (1, 3)) * by_recurrent, transposed)
        return total * update + through_gates, total

    by_state, totals = frame_loop(
        step, ops.zeros_like(state), [upstream, update, by_recurrent], reverse=True
    )
    by_recurrent = ops.tile(totals, (1, 1, 3)) * by_recurrent
    units, gates = kernel.shape
    # Only the candidate sees the state through a gate; the gates' parts are the same.
    by_projected = ops.concatenate([by_recurrent[..., : 2 * units], totals * by_candidate], axis=-1)
    by_kernel = ops.matmul(
        ops.transpose(ops.reshape(ops.cast(before, kernel.dtype), (-1, units))),
        ops.reshape(ops.cast(by_recurrent, kernel.dtype), (-1, gates)),
    )
    return by_projected, by_kernel, ops.sum(by_recurrent, axis=(0, 1)), by_state
