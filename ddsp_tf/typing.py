"""Type aliases, most of them for Keras, whose tensor type depends on the backend."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

# A tensor of the active backend, or a numpy array or number that Keras converts to one.
Tensor: TypeAlias = Any
# The state that a stream passes from one block to the next: tensors by name.
State: TypeAlias = dict[str, Tensor]
# A processor, or its name, and the names of its inputs.
Node: TypeAlias = tuple[Any, Sequence[str]]
# One of several instruments by name, or shares by name; None for the model as it is.
Mixture: TypeAlias = str | Mapping[str, float] | None
