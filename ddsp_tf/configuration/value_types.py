"""Checks of the values in a configuration against the declared types of arguments."""

import inspect
import reprlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pydantic

import gin
from ddsp_tf.errors import UserError

_NAMES = {
    int: "a whole number, such as 16",
    float: "a number, such as 0.5",
    bool: "True or False",
    str: "text in quotes",
    type(None): "None",
}
# Errors of pydantic that fully describe a number or text, wherever it is in a value.
_EXPECTED = {"int_type": int, "float_type": float, "bool_type": bool, "string_type": str}
_STRICT = pydantic.ConfigDict(strict=True, arbitrary_types_allowed=True)
_MACRO = "gin.macro"
Bindings = Mapping[tuple[str, str], Mapping[str, Any]]


def check_types(bindings: Bindings, config: str, overrides: Sequence[str]) -> None:
    """Compares all bound values with the annotations of their arguments.

    Args:
        bindings: Bindings {(scope, complete name of a class): {argument: value}}, as gin keeps
            them.
        config: Name of the configuration, for messages.
        overrides: Bindings that were applied last, such as "train.steps=2000".

    Raises:
        UserError: If a value has another type, or macros refer to each other in a circle. The
            message names the setting, or the macro that the value comes from.
    """
    macros = {scope: one["value"] for (scope, name), one in bindings.items() if name == _MACRO}
    given = {override.partition("=")[0].strip() for override in overrides}

    def refuse(name: str, value: Any, user: str, reason: str) -> UserError:
        where = "--set " if name in given else f"{config}: "
        used = "" if user == name else f" (used in {user})"
        return UserError(f"{where}{name}={reprlib.repr(value)}{used}; {reason}")

    for (scope, selector), arguments in bindings.items():
        if selector == _MACRO:
            continue
        registered = gin.config._REGISTRY.get_match(selector)
        known = _annotations(registered.wrapped)
        name = f"{scope}/{registered.name}" if scope else registered.name
        for argument, value in arguments.items():
            setting = f"{name}.{argument}"
            try:
                value = _resolved(value, macros)
            except RecursionError as error:
                raise refuse(setting, value, setting, str(error)) from error
            if argument in known and (found := _mismatch(value, *known[argument])):
                inner, expected = found
                macro = inner if isinstance(inner, _OfMacro) else _OfMacro(setting, value)
                written = _without_macros(macro.value)
                hint = _call_hint(written)
                raise refuse(macro.name, written, setting, f"expected {expected}{hint}")


class _OfMacro:
    """The value of a macro and its name."""

    def __init__(self, name: str, value: Any):
        self.name, self.value = name, value


def _resolved(value: Any, macros: Mapping[str, Any], above: tuple[str, ...] = ()) -> Any:
    """Substitutes the values of macros, including those inside lists and dictionaries."""
    if isinstance(value, gin.config.ConfigurableReference):
        name = "/".join(value.scopes)
        if value.configurable.selector != _MACRO or name not in macros:
            return value
        if name in above:
            circle = " = ".join(f"%{one}" for one in (*above[above.index(name) :], name))
            raise RecursionError(f"{circle} refers to itself; expected a value")
        return _OfMacro(name, _resolved(macros[name], macros, (*above, name)))
    if isinstance(value, dict):
        return {key: _resolved(one, macros, above) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_resolved(one, macros, above) for one in value)
    return value


def _mismatch(value: Any, annotation: Any, default: Any) -> tuple[Any, str] | None:
    """Returns the part of a value that has another type, and what is expected; or None."""
    plain = _plain(value)
    if plain is default:
        return None
    try:
        adapter = pydantic.TypeAdapter(annotation, config=_STRICT)
    except (pydantic.PydanticUserError, TypeError):
        return None  # Classes of the user may be annotated with anything.
    error = _error(adapter, plain)
    if error is None or _error(adapter, _with_tuples(plain)) is None:
        return None
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if _is_union(annotation) or first["type"] not in _EXPECTED:
        return _last_macro(value, ()), _described(annotation)
    return _last_macro(value, first["loc"]), _NAMES[_EXPECTED[first["type"]]]


def _error(adapter: pydantic.TypeAdapter, value: Any) -> pydantic.ValidationError | None:
    try:
        adapter.validate_python(value)
    except pydantic.ValidationError as error:
        return error
    return None


def _plain(value: Any) -> Any:
    """Returns the value that the class will get; an empty instance for one that gin creates."""

    def made(value: Any) -> Any:
        if isinstance(value, gin.config.ConfigurableReference) and value.evaluate:
            kind = value.configurable.wrapped
            return object.__new__(kind) if isinstance(kind, type) else value
        return value

    return _mapped(value, made)


def _without_macros(value: Any) -> Any:
    return _mapped(value, lambda one: one)


def _call_hint(value: Any) -> str:
    """Returns how to create an instance, if the class itself is given."""
    if isinstance(value, gin.config.ConfigurableReference) and not value.evaluate:
        return f", such as {value}()"
    return ""


def _with_tuples(value: Any) -> Any:
    return tuple(map(_with_tuples, value)) if isinstance(value, (list, tuple)) else value


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Applies a function to everything except lists and dictionaries; resolves macros."""
    if isinstance(value, _OfMacro):
        return _mapped(value.value, change)
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(one, change) for one in value)
    return change(value)


def _annotations(registered: Any) -> dict[str, tuple[Any, Any]]:
    """Returns annotation and default of the arguments of a class or function."""
    found: dict[str, tuple[Any, Any]] = {}
    for function in _constructors(registered):
        try:
            hints = typing.get_type_hints(function)
        except Exception:  # Names that are undefined at run time, in a class of the user.
            continue
        for name, parameter in inspect.signature(function).parameters.items():
            if name in hints and parameter.kind is not parameter.VAR_KEYWORD:
                found.setdefault(name, (hints[name], parameter.default))
    return found


def _constructors(registered: Any) -> Iterator[Any]:
    if not isinstance(registered, type):
        yield registered
        return
    for cls in registered.__mro__:
        if cls is object or cls.__module__.partition(".")[0] == "keras":
            return
        if "__init__" in vars(cls):
            yield vars(cls)["__init__"]


def _last_macro(value: Any, place: Sequence[Any]) -> Any:
    """Follows keys and indices, and returns the last macro on the way, or the value itself."""
    last = value
    for key in (*place, None):
        while isinstance(value, _OfMacro):
            last, value = value, value.value
        if key is None or not isinstance(value, (dict, list, tuple)):
            break
        # A dictionary key can be wrong, too.
        value = value.get(key) if isinstance(value, dict) else value[key]
    return last


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _described(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if _is_union(annotation):
        return " or ".join(_described(one) for one in arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "a dictionary in braces"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return "a list in brackets"
    return f"a {getattr(annotation, '__name__', annotation)}"
