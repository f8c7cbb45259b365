"""The operators of a `.tflite` file."""

from collections import Counter
from collections.abc import Iterator

from ddsp_tf.errors import UserError


def operators(content: bytes) -> dict[str, int]:
    """Counts the operators of a LiteRT model, including those inside loops.

    Args:
        content: Content of a `.tflite` file.

    Returns:
        Dictionary from name to number of nodes, sorted. Operators that are not builtin have their
        custom names, such as "FlexIRFFT".
    """
    return dict(sorted(Counter(name for name, _, _ in _nodes(content)).items()))


def foreign_nodes(content: bytes) -> list[tuple[str, str]]:
    """Finds the nodes that are not builtin operators of LiteRT.

    Args:
        content: Content of a `.tflite` file.

    Returns:
        Operator of each such node, such as "FlexIRFFT", and the name of its first output, which
        contains the layer.
    """
    return [(name, output) for name, builtin, output in _nodes(content) if not builtin]


def check_builtin(content: bytes, file: str) -> None:
    """Checks that a model consists of builtin operators.

    Args:
        content: Content of a `.tflite` file.
        file: Name of the file, for the message.

    Raises:
        UserError: If there is another operator. The message names it and the layer.
    """
    foreign = foreign_nodes(content)
    if foreign:
        operator, layer = foreign[0]
        raise UserError(
            f"{file}: operator {operator} in {layer!r} is not builtin to LiteRT; expected builtin "
            "operators only, because runtimes on other devices have no others"
        )


def min_runtime_version(content: bytes) -> str:
    """Returns the oldest TensorFlow Lite release that can run a model, such as "2.5.0".

    Args:
        content: Content of a `.tflite` file.

    Returns:
        Release that the converter wrote into the file; "" if it wrote none.
    """
    _, model = _parsed(content)
    for number in range(model.MetadataLength()):
        entry = model.Metadata(number)
        if entry.Name() == b"min_runtime_version":
            buffer = bytes(model.Buffers(entry.Buffer()).DataAsNumpy())
            return buffer.rstrip(b"\0").decode()
    return ""


def _parsed(content: bytes):
    from tensorflow.lite.python import schema_py_generated as schema

    return schema, schema.Model.GetRootAsModel(content, 0)


def _nodes(content: bytes) -> Iterator[tuple[str, bool, str]]:
    schema, model = _parsed(content)
    names = {
        code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
    }
    for subgraph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for node in map(subgraph.Operators, range(subgraph.OperatorsLength())):
            kind = model.OperatorCodes(node.OpcodeIndex())
            # The older field holds only codes up to 126.
            code = max(kind.BuiltinCode(), kind.DeprecatedBuiltinCode())
            builtin = code != schema.BuiltinOperator.CUSTOM
            name = names.get(code, str(code)) if builtin else kind.CustomCode().decode()
            output = subgraph.Tensors(node.Outputs(0)).Name() if node.OutputsLength() else b""
            yield name, builtin, output.decode()
