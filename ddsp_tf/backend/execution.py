"""The choice among implementations of a function that give the same numbers.

Functions with more than one form take an `Execution`; layers hold one in their attribute
`execution` and pass it on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import keras
from keras import ops

from ddsp_tf.typing import Tensor

# Half or twice as many samples take about as long.
_CHUNK_SAMPLES = 1 << 16

AnyLayer = TypeVar("AnyLayer", bound=keras.layers.Layer)


@dataclass(frozen=True)
class Execution:
    """Choice among forms of a function that differ in speed, memory and graph, not in value.

    Attributes:
        fused: Whether sums of products are single expressions. Compilers for accelerators keep
            their products in registers; CPUs store every product. None chooses by this machine.
        gradients: Whether hand-written gradients are attached. TensorFlow stores them with a
            SavedModel, which makes it half as large again, or warns whenever it loads a model
            without them.
        chunked: Whether signals of unknown length are computed one chunk of frames at a time: a
            bank of sines needs many times the memory of its signal. A gradient would need all
            chunks anyway.

    Example:
        >>> EXPORT.sums_are_fused()
        False
    """

    fused: bool | None = None
    gradients: bool = True
    chunked: bool = False

    def sums_are_fused(self) -> bool:
        """Returns `fused`, or whether this machine's first device is an accelerator."""
        if self.fused is not None:
            return self.fused
        return not keras.distribution.list_devices()[0].startswith("cpu")


# On this machine, with gradients.
TRAINING = Execution()
# On any machine, forward only.
EXPORT = Execution(fused=False, gradients=False, chunked=True)


def with_execution(layer: AnyLayer, execution: Execution) -> AnyLayer:
    """Copies a layer or model, with its weights, for another execution.

    Args:
        layer: Layer or model, built.
        execution: Execution of the copy and of every layer in it.

    Returns:
        The copy. Later changes of the original's weights do not reach it.

    Example:
        >>> from ddsp_tf.processors import Reverb
        >>> reverb = Reverb(length=100)
        >>> reverb.build()
        >>> with_execution(reverb, EXPORT).execution == EXPORT, reverb.execution == TRAINING
        (True, True)
    """
    # With these, Keras also finds classes that the caller has not registered.
    classes = {type(part).__name__: type(part) for part in layer._flatten_layers()}
    with keras.saving.custom_object_scope(classes):
        config = keras.saving.serialize_keras_object(layer)
        copy = keras.saving.deserialize_keras_object(config)
    for mine, original in zip(copy.variables, layer.variables, strict=True):
        mine.assign(original)
    for part in copy._flatten_layers():
        if hasattr(part, "execution"):
            part.execution = execution
    return copy


def custom_gradient(function: Callable, execution: Execution = TRAINING) -> Callable:
    """Makes a function differentiable by its own rule, as `keras.ops.custom_gradient` does.

    Args:
        function: Function from tensors to a tuple: a tensor, and a function from that tensor's
            gradient to the gradients of all arguments.
        execution: Execution; without `gradients` the rule is left out.

    Returns:
        Function from the tensors to the tensor.

    Example:
        >>> import numpy as np
        >>> square = custom_gradient(lambda x: (x * x, lambda upstream: upstream * 2.0 * x))
        >>> float(square(np.float32(3.0)))
        9.0
    """
    if execution.gradients:
        return ops.custom_gradient(function)
    return lambda *arguments: function(*arguments)[0]


def in_chunks(
    function: Callable[..., Tensor], hop: int, *frames: Tensor, execution: Execution
) -> Tensor:
    """Computes a signal whose frames are independent, in chunks if the execution says so.

    Args:
        function: Function from tensors [batch, frames, any] to a signal [batch, frames * hop]. It
            must accept zeros after the last frame.
        hop: Samples per frame.
        *frames: Arguments of the function, [batch, frames, any] each.
        execution: Execution; see `Execution.chunked`.

    Returns:
        Signal [batch, frames * hop].

    Example:
        >>> hold = lambda frames: ops.repeat(frames[:, :, 0], 4, axis=1)
        >>> in_chunks(hold, 4, ops.ones((1, 3, 1)), execution=EXPORT).shape
        TensorShape([1, 12])
    """
    if frames[0].shape[1] is not None or not execution.chunked:
        return function(*frames)
    size = max(_CHUNK_SAMPLES // hop, 1)
    batch, count = ops.shape(frames[0])[0], ops.shape(frames[0])[1]
    # At least one, because the signal's dtype comes from a chunk.
    chunks = ops.maximum((count + size - 1) // size, 1)

    def cut(values):
        padded = ops.pad(values, [[0, 0], [0, size], [0, 0]])[:, : chunks * size]
        parts = ops.reshape(padded, (batch, chunks, size, values.shape[-1]))
        return ops.transpose(parts, (1, 0, 2, 3))

    parts = ops.map(lambda part: function(*part), tuple(cut(values) for values in frames))
    signal = ops.reshape(ops.transpose(parts, (1, 0, 2)), (batch, chunks * size * hop))
    return signal[:, : count * hop]
