"""Type aliases for Keras, whose tensor type depends on the backend."""

from collections.abc import Sequence
from typing import Any, TypeAlias

# A tensor of the active backend, or a numpy array or number that Keras converts to one.
Tensor: TypeAlias = Any
# The state that a stream passes from one block to the next: tensors by name.
State: TypeAlias = dict[str, Tensor]
# A processor or its name with the names of its inputs.
Node: TypeAlias = tuple[Any, Sequence[str]]
