"""What a .tflite file is made of, read from the file itself."""

from collections import Counter
from collections.abc import Iterator

from ddsp_tf.errors import UserError


def operators(content: bytes) -> dict[str, int]:
    """Counts the operators of a LiteRT model, those inside loops included.

    Args:
        content: A `.tflite` file's bytes.

    Returns:
        Dictionary from name to number of nodes, sorted. Operators that are not builtin have the
        names that their writer gave them, such as "FlexIRFFT".
    """
    return dict(sorted(Counter(name for name, _, _ in _nodes(content)).items()))


def foreign_nodes(content: bytes) -> list[tuple[str, str]]:
    """Finds what LiteRT's builtin operators cannot compute.

    Args:
        content: A `.tflite` file's bytes.

    Returns:
        For each such node, its operator, such as "FlexIRFFT", and the name of its first output,
        which tells the layer.
    """
    return [(name, output) for name, builtin, output in _nodes(content) if not builtin]


def check_builtin(content: bytes, file: str) -> None:
    """Checks that builtin operators are enough for a model.

    Args:
        content: The model's bytes.
        file: Its name, for the message.

    Raises:
        UserError: If they are not; it names the operator and the layer.
    """
    foreign = foreign_nodes(content)
    if foreign:
        operator, layer = foreign[0]
        raise UserError(
            f"{file}: operator {operator} in {layer!r} is not builtin to LiteRT; expected builtin "
            "operators only, because others run nowhere"
        )


def min_runtime_version(content: bytes) -> str:
    """Gives the oldest TensorFlow Lite release that knows a model's operators, such as "2.5.0".

    Args:
        content: A `.tflite` file's bytes.

    Returns:
        What the converter wrote into the file; "" if nothing.
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
            # Codes up to 126 have stood in another field since before there were more.
            code = max(kind.BuiltinCode(), kind.DeprecatedBuiltinCode())
            builtin = code != schema.BuiltinOperator.CUSTOM
            name = names.get(code, str(code)) if builtin else kind.CustomCode().decode()
            output = subgraph.Tensors(node.Outputs(0)).Name() if node.OutputsLength() else b""
            yield name, builtin, output.decode()
