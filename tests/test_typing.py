"""What `import ddsp_tf` offers says what it takes and gives."""

import inspect

import keras
import pytest

import ddsp_tf

NAMES = [name for name in ddsp_tf.__all__ if name != "__version__"]


def functions_of(item):
    """The item itself, or a class's constructor and its public methods that are not Keras's."""
    if not inspect.isclass(item):
        return {item.__name__: item}
    found = {}
    for owner in item.__mro__:
        if not owner.__module__.startswith("ddsp_tf"):
            continue
        for name, member in vars(owner).items():
            member = getattr(member, "fget", getattr(member, "__func__", member))
            if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_")):
                found.setdefault(f"{item.__name__}.{name}", member)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_signatures_have_types(name):
    for where, function in functions_of(getattr(ddsp_tf, name)).items():
        signature = inspect.signature(function)
        for parameter in signature.parameters.values():
            if parameter.name not in ("self", "cls"):
                assert parameter.annotation is not parameter.empty, f"{where}: {parameter.name}"
        if not where.endswith("__init__"):
            assert signature.return_annotation is not signature.empty, where


def test_a_missing_type_would_be_seen():
    class Layer(keras.layers.Layer):
        def stretch(self, factor):
            return factor

    Layer.__module__ = "ddsp_tf.somewhere"
    function = functions_of(Layer)["Layer.stretch"]
    assert inspect.signature(function).parameters["factor"].annotation is inspect.Parameter.empty
