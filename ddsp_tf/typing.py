"""Names for what annotations cannot say of Keras, which has a tensor type for each backend."""

from collections.abc import Sequence
from typing import Any, TypeAlias

# A tensor of the active backend, or what Keras turns into one: a numpy array, a number.
Tensor: TypeAlias = Any
# Names and tensors a stream hands from one block to the next.
State: TypeAlias = dict[str, Tensor]
# A processor or its name with the names of its inputs.
Node: TypeAlias = tuple[Any, Sequence[str]]
