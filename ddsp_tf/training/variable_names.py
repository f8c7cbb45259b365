"""Names of variables that are equal in every process."""

import re
from collections.abc import Iterable, Mapping, Sequence


def named_variables(
    group: str, variables: Iterable, weights: Mapping[str, str] | None = None
) -> list[tuple]:
    """Pairs variables with names that are equal in every process.

    Args:
        group: First part of the names.
        variables: Variables of one model or optimizer, in order.
        weights: New names for the names of weights inside an optimizer's variable names.

    Returns:
        Pairs of variable and name.

    Raises:
        ValueError: If two variables have the same path.
    """
    variables = list(variables)
    names = stable_names(group, [variable.path for variable in variables], weights)
    if len(set(names)) < len(names):
        raise ValueError(f"{group}: two variables have the same path")
    return list(zip(variables, names, strict=True))


def stable_names(
    group: str, paths: Sequence[str], weights: Mapping[str, str] | None = None
) -> list[str]:
    """Renumbers the layers in paths of variables.

    Keras numbers layers of one kind across all models of a process; here each model starts at 0.

    Args:
        group: First part of the names.
        paths: Paths of all variables of a model, in order.
        weights: New names for the names of weights inside the paths.

    Returns:
        Name for each path.

    Example:
        >>> stable_names("model", ["dense_7/kernel", "dense_9/kernel"])
        ['model/dense/kernel', 'model/dense_1/kernel']
    """
    seen: dict[tuple[str, str], dict[str, int]] = {}
    names = []
    for path in paths:
        name = group
        for part in path.split("/"):
            weight = max((w for w in weights or () if w in part), key=len, default="")
            if weights and weight:
                part = part.replace(weight, weights[weight])
            base = part if weight else re.sub(r"_\d+$", "", part)
            numbers = seen.setdefault((name, base), {})
            number = numbers.setdefault(part, len(numbers))
            name += f"/{base}_{number}" if number else f"/{base}"
        names.append(name)
    return names
