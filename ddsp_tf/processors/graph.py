"""Graphs of processors: their order, and checks that need no signal.

A node is a processor and the names of its inputs: names of other nodes, whose signals it takes, or
of values that the caller passes.
"""

from collections.abc import Sequence

from ddsp_tf.processors.base import Processor
from ddsp_tf.typing import Node

SIGNAL, CONTROL, OTHER = "a signal", "a control", "something else"


def sorted_nodes(nodes: Sequence[Node]) -> list:
    """Sorts nodes so that each comes after those whose signals it takes.

    Otherwise their order is kept. The output comes last: the node whose signal no other node takes,
    or, if there are several, the last of these in the given order.

    Args:
        nodes: List of (processor, tuple of input names).

    Returns:
        The same nodes.

    Raises:
        ValueError: If there is no node, a node is not a processor, two have the same name, one has
            too few or too many inputs, or nodes form a cycle.
    """
    _check_each(nodes)
    waiting, done = {processor.name: (processor, inputs) for processor, inputs in nodes}, {}
    while waiting:
        ready = [name for name in waiting if not set(waiting[name][1]) & set(waiting)]
        if not ready:
            raise ValueError(_cycle(waiting))
        done[ready[0]] = waiting.pop(ready[0])
    taken = {name for _, inputs in nodes for name in inputs}
    output = [processor.name for processor, _ in nodes if processor.name not in taken][-1]
    done[output] = done.pop(output)
    return list(done.values())


def _check_each(nodes):
    if not nodes:
        raise ValueError("a ProcessorGroup needs at least one node")
    names = [processor.name for processor, _ in nodes]
    for processor, inputs in nodes:
        node = f"node {processor.name!r}"
        if not isinstance(processor, Processor):
            raise ValueError(f"{node}: {type(processor).__name__} is not a Processor")
        if names.count(processor.name) > 1:
            raise ValueError(f"{node}: another node has this name; give each its own")
        expected = processor.input_names
        if not inputs:
            raise ValueError(f"{node}: no inputs; expected {expected or 'at least one signal'}")
        if expected is not None and len(inputs) != len(expected):
            raise ValueError(f"{node}: inputs {list(inputs)}; expected {list(expected)}")


def _cycle(waiting: dict) -> str:
    name, path = next(iter(waiting)), []
    while name not in path:
        path.append(name)
        name = next(n for n in waiting[name][1] if n in waiting)
    path = [*path[path.index(name) :], name]
    needs = " needs ".join(repr(step) for step in path)
    return f"node {name!r}: its signal would feed back into it ({needs}); a graph has no cycles"


def input_roles(processor: Processor, inputs: Sequence[str]) -> list[tuple[str, str, int | None]]:
    """Returns the roles of a node's inputs.

    Args:
        processor: The node's `Processor`.
        inputs: Names of the node's inputs.

    Returns:
        A list of (name, role, channels or None), the role one of SIGNAL, CONTROL (per frame) and
        OTHER (such as an impulse response).

    Example:
        >>> from ddsp_tf.processors import FilteredNoise
        >>> input_roles(FilteredNoise(n_bands=5), ["magnitudes"])
        [('magnitudes', 'a control', 5)]
    """
    sizes = {"f0_hz": 1, **processor.input_sizes}
    roles: list[tuple[str, str, int | None]] = []
    for position, name in enumerate(inputs):
        argument = None if processor.input_names is None else processor.input_names[position]
        if argument is None or argument in processor.signal_names:
            roles.append((name, SIGNAL, None))
        elif argument in sizes:
            roles.append((name, CONTROL, sizes[argument]))
        else:
            roles.append((name, OTHER, None))
    return roles


def check_agreement(nodes: Sequence[Node]) -> None:
    """Checks that nodes can work together.

    Args:
        nodes: List of (processor, tuple of input names), sorted.

    Raises:
        ValueError: If rates differ, a signal is used as a control, two nodes use one input in
            different roles, or a node combines signals of different lengths.
    """
    _check_rates([processor for processor, _ in nodes])
    names = {processor.name for processor, _ in nodes}
    seen = {}
    for processor, inputs in nodes:
        node = f"node {processor.name!r}"
        for name, role, size in input_roles(processor, inputs):
            if name in names:
                if role == CONTROL:
                    raise ValueError(f"{node}: uses the signal of node {name!r} as a control")
                continue
            other, other_role, other_size = seen.setdefault(name, (processor.name, role, size))
            if {role, other_role} == {SIGNAL, CONTROL}:
                raise ValueError(
                    f"{node}: uses {name!r} as {role}, but node {other!r} as {other_role}"
                )
            if None not in (size, other_size) and size != other_size:
                raise ValueError(
                    f"{node}: takes {name!r} with {size} channels, but node {other!r} with "
                    f"{other_size}"
                )
    _check_lengths(nodes)


def _check_rates(processors):
    for key in ("sample_rate", "frame_rate"):
        first = None
        for processor in processors:
            rate = getattr(processor, key, None)
            first = first or (rate and processor)
            if rate is not None and rate != getattr(first, key):
                raise ValueError(
                    f"node {processor.name!r}: {key}={rate}, but node {first.name!r} has "
                    f"{getattr(first, key)}"
                )


def _check_lengths(nodes):
    removed = {}
    for processor, inputs in nodes:
        node = f"node {processor.name!r}"
        roles = input_roles(processor, inputs)
        cropped = {name: removed.get(name, 0) for name, role, _ in roles if role == SIGNAL}
        shortest = max(cropped, key=cropped.get, default=None)
        for name, samples in cropped.items():
            if samples != cropped[shortest]:
                raise ValueError(
                    f"{node}: signal {shortest!r} is {cropped[shortest] - samples} samples "
                    f"shorter than {name!r}"
                )
        if shortest and cropped[shortest] and any(role == CONTROL for _, role, _ in roles):
            raise ValueError(f"{node}: takes controls, but signal {shortest!r} is cropped")
        removed[processor.name] = cropped.get(shortest, 0) + processor.removed_samples
