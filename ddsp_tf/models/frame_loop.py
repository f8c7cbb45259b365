"""Loops over frames that carry a state, on either backend."""

from collections.abc import Callable, Sequence

import keras

from ddsp_tf.typing import Tensor

Step = Callable[[Tensor, list[Tensor]], tuple[Tensor, Tensor]]

# Frames computed in one iteration of a loop; every iteration has a fixed cost.
_UNROLL_JAX = 8
_UNROLL_TENSORFLOW = 16
# Up to this length a loop is designed for LiteRT, which plays in short blocks.
_LONGEST_BLOCK = 250
_PART = 10


def frame_loop(
    step: Step, carried: Tensor, sequences: Sequence[Tensor], reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Computes `step(carried, [frame of each sequence]) -> carried, output` for all frames.

    Args:
        step: Function that computes one frame.
        carried: State before the first frame, [batch, n].
        sequences: Tensors that the step reads, [frames, batch, any] each.
        reverse: Whether to start with the last frame.

    Returns:
        Tuple of the state after the last step, and the outputs, [frames, batch, n], in the order of
        the sequences. Outputs have the shape of the state.

    Example:
        >>> import numpy as np
        >>> ramp = keras.ops.reshape(keras.ops.arange(5.0), (5, 1, 1))
        >>> add = lambda total, frames: (total + frames[0], total + frames[0])
        >>> total, sums = frame_loop(add, keras.ops.zeros((1, 1)), [ramp])
        >>> np.ravel(total).tolist(), np.ravel(sums).tolist()
        ([10.0], [0.0, 1.0, 3.0, 6.0, 10.0])
    """
    sequences = list(sequences)
    if keras.backend.backend() == "jax":
        import jax

        return jax.lax.scan(step, carried, sequences, reverse=reverse, unroll=_UNROLL_JAX)
    import tensorflow as tf

    frames = sequences[0].shape[0]
    if frames is not None and frames <= _LONGEST_BLOCK and not reverse:
        return _loop_in_parts(step, carried, sequences)
    order = -1 if reverse else 1
    size = _turn_without_rest(frames)
    if size is not None:
        return _turns(_written_out(step, order), carried, sequences, size, order)
    frames = tf.shape(sequences[0])[0]
    whole = frames // _UNROLL_TENSORFLOW * _UNROLL_TENSORFLOW
    # First frame, number of frames, frames per iteration: many at once, then the rest one by one.
    spans = [(0, whole, _UNROLL_TENSORFLOW), (whole, frames - whole, 1)]
    outputs = []
    for first, count, size in spans[::order]:
        pieces = [sequence[first : first + count] for sequence in sequences]
        carried, output = _turns(_written_out(step, order), carried, pieces, size, order)
        outputs.append(output)
    return carried, tf.concat(outputs[::order], axis=0)


def _turn_without_rest(frames: int | None) -> int | None:
    """Frames per iteration that leave no remainder, if any: then no sequence is cut in two."""
    sizes = range(_UNROLL_TENSORFLOW, _UNROLL_TENSORFLOW // 2 - 1, -1)
    return next((size for size in sizes if frames and frames % size == 0), None)


def _turns(
    play: Step, carried: Tensor, sequences: list[Tensor], size: int, order: int = 1
) -> tuple[Tensor, Tensor]:
    """Loops over parts of `size` frames: `play(carried, parts) -> carried, outputs of a part`."""
    import tensorflow as tf

    count = tf.shape(sequences[0])[0] // size
    if sequences[0].shape[0] is not None:
        count = sequences[0].shape[0] // size

    def turn(number, carried, outputs):
        place = number if order > 0 else count - 1 - number
        parts = [tf.slice(s, [place * size, 0, 0], [size, -1, -1]) for s in sequences]
        carried, output = play(carried, parts)
        return number + 1, carried, outputs.write(place, output)

    unknown = None in tuple(carried.shape)
    room = tf.maximum(count, 1) if unknown else count
    outputs = tf.TensorArray(carried.dtype, room, element_shape=[size, *carried.shape])
    if unknown:
        # An array of unknown shape can only be read if it has an element.
        nothing = tf.zeros(tf.concat([[size], tf.shape(carried)], axis=0), carried.dtype)
        outputs = outputs.write(0, nothing)
    _, carried, outputs = tf.while_loop(
        lambda number, *_: number < count,
        turn,
        (0, carried, outputs),
        shape_invariants=(tf.TensorShape([]), carried.shape, tf.TensorShape(None)),
        maximum_iterations=count,
    )
    # Not `concat`, which LiteRT lacks.
    stacked = outputs.stack()[:count] if unknown else outputs.stack()
    return carried, tf.reshape(stacked, tf.concat([[-1], tf.shape(carried)], axis=0))


def _written_out(step: Step, order: int) -> Step:
    """Returns the function that unrolls the frames of a part."""
    import tensorflow as tf

    def play(carried, parts):
        frames, outputs = list(zip(*map(tf.unstack, parts), strict=True)), []
        for frame in frames[::order]:
            carried, output = step(carried, list(frame))
            outputs.append(output)
        return carried, tf.stack(outputs[::order])

    return play


def _loop_in_parts(step: Step, carried: Tensor, sequences: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Loops over short parts, with an inner loop over their frames.

    LiteRT copies everything that a loop reads in every iteration, so the inner loop should read
    little. Frames are not unrolled, because LiteRT packs the weights for every product of the
    graph.
    """
    frames = sequences[0].shape[0]
    size = max(size for size in range(1, _PART + 1) if frames % size == 0)
    frame_by_frame = _written_out(step, 1)

    def play(carried, parts):
        return _turns(frame_by_frame, carried, parts, 1)

    return _turns(play if size > 1 else frame_by_frame, carried, sequences, size)
