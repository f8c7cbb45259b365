"""Smaller weights for LiteRT: the decoder's matrices in 16 or 8 bits.

The converter's own float16 mode rounds every constant, including the tables of the oscillators,
which detunes harmonics. This module changes only the matrices of networks, in the converted file.
It uses TensorFlow's private schema: ai-edge-quantizer, the library for selective quantization,
would be a heavy dependency for one operator.
"""

from collections.abc import Sequence

import numpy as np

from ddsp_tf.models.decoder import Decoder

# Version of FULLY_CONNECTED with float inputs and 8-bit weights with one scale per row, and the
# first release that supports it.
_HYBRID_VERSION = 12
_HYBRID_RELEASE = b"2.17.0"
_LARGEST_INT8 = 127


def matrices_of(decoder: Decoder) -> list[np.ndarray]:
    """Returns the matrices of a decoder, without the scales and offsets of instruments."""
    weights = [weight for weight in decoder.weights if weight.name not in ("gamma", "beta")]
    return [weight.numpy() for weight in weights if len(weight.shape) == 2]


def compressed(content: bytes, matrices: Sequence[np.ndarray], precision: str) -> bytes:
    """Stores the matrices of a LiteRT model in fewer bits.

    Args:
        content: Content of a `.tflite` file in float32.
        matrices: Constants to change, [inputs, outputs] each: weights of dense layers.
        precision: Precision to store them with: "float16", converted to float32 at run time; or
            "int8" with one scale per output, which LiteRT multiplies by inputs that it rounds to 8
            bits at run time (dynamic range quantization).

    Returns:
        Content of the smaller file.

    Raises:
        ValueError: If the precision is unknown.
    """
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    if precision not in ("float16", "int8"):
        raise ValueError(f"precision={precision!r}; expected 'float16' or 'int8'")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    wanted = {_key(matrix.T) for matrix in matrices}
    dense = schema.BuiltinOperator.FULLY_CONNECTED
    codes = [number for number, code in enumerate(model.operatorCodes) if code.builtinCode == dense]
    for graph in model.subgraphs:
        nodes = [node for node in graph.operators if node.opcodeIndex in codes]
        for index in dict.fromkeys(int(node.inputs[1]) for node in nodes):
            tensor = graph.tensors[index]
            buffer = model.buffers[tensor.buffer]
            if buffer.data is None or tensor.type != schema.TensorType.FLOAT32:
                continue
            weights = np.frombuffer(buffer.data.tobytes(), np.float32).reshape(tensor.shape)
            if _key(weights) not in wanted:
                continue
            # Other subgraphs may use the same buffer.
            model.buffers.append(schema.BufferT())
            tensor.buffer = len(model.buffers) - 1
            if precision == "int8":
                stored = _to_int8(schema, tensor, weights)
                for code in codes:
                    version = max(model.operatorCodes[code].version, _HYBRID_VERSION)
                    model.operatorCodes[code].version = version
            else:
                stored = weights.astype(np.float16)
                _read_back(schema, model, graph, index, nodes)
            model.buffers[-1].data = np.frombuffer(stored.tobytes(), np.uint8)
    if precision == "int8":
        _require_release(model, _HYBRID_RELEASE)
    _drop_unused_buffers(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _key(weights: np.ndarray) -> tuple:
    return weights.shape, np.ascontiguousarray(weights, np.float32).tobytes()


def _to_int8(schema, tensor, weights: np.ndarray) -> np.ndarray:
    """Rounds each row to -127..127 times its own scale, and stores the scales in the tensor."""
    scale = np.maximum(np.abs(weights).max(axis=1), 1e-12) / _LARGEST_INT8
    tensor.type = schema.TensorType.INT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = scale.astype(np.float32)
    tensor.quantization.zeroPoint = np.zeros(len(scale), np.int64)
    tensor.quantization.quantizedDimension = 0
    return np.round(weights / scale[:, None]).astype(np.int8)


def _read_back(schema, model, graph, index: int, nodes):
    """Makes a tensor float16, and makes its nodes use a float32 copy computed at run time."""
    stored = graph.tensors[index]
    copy = schema.TensorT()
    copy.shape, copy.name, copy.buffer = stored.shape, stored.name + b"_float32", 0
    copy.type, stored.type = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16
    graph.tensors.append(copy)
    reader = schema.OperatorT()
    reader.opcodeIndex = _operator_code(schema, model, schema.BuiltinOperator.DEQUANTIZE)
    reader.inputs = np.array([index], np.int32)
    reader.outputs = np.array([len(graph.tensors) - 1], np.int32)
    graph.operators.insert(0, reader)
    for node in nodes:
        if node.inputs[1] == index:
            node.inputs = np.array([node.inputs[0], len(graph.tensors) - 1, *node.inputs[2:]])
            node.inputs = node.inputs.astype(np.int32)


def _operator_code(schema, model, builtin: int) -> int:
    for number, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin and code.version >= 3:
            return number
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 3  # The first version that reads float16.
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _require_release(model, release: bytes):
    for entry in model.metadata or []:
        if entry.name == b"min_runtime_version":
            text = np.frombuffer(release.ljust(16, b"\0"), np.uint8)
            model.buffers[entry.buffer].data = text


def _drop_unused_buffers(model):
    """Empties unused buffers without changing the indices of the others."""
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or []}
    for number, buffer in enumerate(model.buffers):
        if number not in used:
            buffer.data = None
