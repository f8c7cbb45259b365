"""Inspection of a SavedModel before TensorFlow loads it.

A SavedModel is a program: its functions run when it is loaded and when it is called, and TensorFlow
has operators that read and write files. Functions of an export only compute.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddsp_tf.errors import UserError


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Arithmetic and control flow that exports use or custom processors may need. No operator has side
# effects except asserting, calling functions and reading variables.
ALLOWED_OPERATORS = _names(
    """
    Abs Acos Acosh Add AddN AddV2 All Angle Any ArgMax ArgMin Asin Asinh Assert Atan Atan2 Atanh
    AvgPool BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd Bincount BroadcastArgs
    BroadcastTo Bucketize Case Cast Ceil ClipByValue Complex ComplexAbs ConcatV2 Conj Const Conv2D
    Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp DepthToSpace DepthwiseConv2dNative Diag
    DiagPart Digamma Div DivNoNan DynamicPartition DynamicStitch Einsum Elu EnsureShape Equal Erf
    Erfc Erfinv Exp ExpandDims Expm1 FFT FFT2D Fill Floor FloorDiv FloorMod FusedBatchNormV3
    GatherNd GatherV2 Greater GreaterEqual IFFT IRFFT Identity IdentityN If Imag InvertPermutation
    IsFinite IsInf IsNan L2Loss LeakyRelu Less LessEqual Lgamma LinSpace Log Log1p LogSoftmax
    LogicalAnd LogicalNot LogicalOr LowerBound MatMul MatrixBandPart MatrixDiagPartV3 MatrixDiagV3
    MatrixSetDiagV3 Max MaxPool Maximum Mean Min Minimum MirrorPad Mod Mul MulNoNan Neg NoOp
    NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall Placeholder Pow Prod RFFT RFFT2D Range
    Rank ReadVariableOp Real RealDiv Reciprocal Relu Relu6 Reshape ResourceGather ReverseSequence
    ReverseV2 Rint Roll Round Rsqrt ScatterNd SegmentSum Select SelectV2 Selu Shape ShapeN Sigmoid
    Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToBatchND SpaceToDepth Split SplitV Sqrt
    Square SquaredDifference Squeeze StatefulPartitionedCall StatelessCase StatelessIf
    StatelessRandomGetKeyCounter StatelessRandomNormalV2 StatelessRandomUniformV2 StatelessWhile
    StopGradient StridedSlice Sub Sum Tan Tanh TensorListConcatV2 TensorListFromTensor
    TensorListGather TensorListGetItem TensorListLength TensorListReserve TensorListSetItem
    TensorListStack TensorScatterAdd TensorScatterUpdate TensorStridedSliceUpdate Tile TopKV2
    Transpose TruncateDiv TruncateMod Unpack UnsortedSegmentSum UpperBound VarHandleOp Where While
    Xdivy Xlog1py Xlogy ZerosLike
    """
)
# TensorFlow adds two functions for C++ programs to every SavedModel, which save and restore its
# variables. Nothing calls them when it is loaded from Python.
_STORAGE_OPERATORS = _names(
    """
    AssignVariableOp DisableCopyOnRead MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename
    StaticRegexFullMatch StringJoin
    """
)
_FILES = re.compile(r"(saved_model|fingerprint)\.pb|variables/variables\.(index|data-[\d-]+of-\d+)")
_USER_OBJECTS = ("_generic_user_object", "signature_map", "trackable_list_wrapper")
_NODE_KINDS = ("user_object", "variable", "function", "bare_concrete_function", "constant")
_LARGEST_GRAPH = 1 << 29
_SPARE_BYTES = 1 << 26  # Constants whose numbers are all equal store only one of them.


def check_saved_model(folder: Path) -> None:
    """Refuses a SavedModel that could do more than compute.

    Args:
        folder: SavedModel to inspect, with `saved_model.pb` in it.

    Raises:
        UserError: If the file is damaged, uses an operator that exports do not use, or contains an
            object that TensorFlow runs or reads while loading. The message names it.
    """
    path = folder / "saved_model.pb"
    for entry in folder.rglob("*"):
        name = entry.relative_to(folder).as_posix()
        if entry.is_symlink() or not (entry.is_dir() or _FILES.fullmatch(name)):
            # TensorFlow would prefer some other files to saved_model.pb.
            raise UserError(f"{entry}: not loaded, because exports of ddsp-tf have no such file")
    meta = _parsed(path)
    _check_objects(path, meta.object_graph_def)
    functions = {function.signature.name: function for function in meta.graph_def.library.function}
    called = {
        name for function in functions.values() for name in _called_functions(function.node_def)
    }
    called |= _callable_functions(meta.object_graph_def)
    called |= {gradient.gradient_func for gradient in meta.graph_def.library.gradient}
    _check_nodes(path, meta.graph_def.node, ALLOWED_OPERATORS)
    for name, function in functions.items():
        allowed = ALLOWED_OPERATORS if name in called else ALLOWED_OPERATORS | _STORAGE_OPERATORS
        _check_nodes(path, function.node_def, allowed)
    _check_sizes(path, meta)


def _parsed(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        size = path.stat().st_size
        if size > _LARGEST_GRAPH:
            raise UserError(f"{path}: has {size} bytes; expected at most {_LARGEST_GRAPH}")
        saved = SavedModel.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); export the model again") from error
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].HasField("object_graph_def"):
        raise UserError(f"{path}: not as ddsp-tf writes it; export the model again")
    return saved.meta_graphs[0]


def _check_objects(path: Path, objects: Any) -> None:
    """Refuses objects that make TensorFlow run code or read files while it restores them."""
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        known = kind in _NODE_KINDS
        if kind == "user_object":
            kind, known = node.user_object.identifier, node.user_object.identifier in _USER_OBJECTS
        if node.saveable_objects or node.registered_saver or node.registered_name:
            kind, known = "saver of its own", False
        if not known:
            raise UserError(
                f"{path}: not loaded, because it contains a {kind}, which exports of ddsp-tf never "
                "do and which can run code or read files"
            )


def _check_nodes(path: Path, nodes: Any, allowed: frozenset[str]) -> None:
    for node in nodes:
        if node.op not in allowed:
            raise UserError(
                f"{path}: not loaded, because node {node.name!r} is the operator {node.op}; "
                "expected arithmetic only, as in exports of ddsp-tf"
            )


def _called_functions(nodes: Any) -> Iterator[str]:
    for node in nodes:
        for value in node.attr.values():
            kind = value.WhichOneof("value")
            if kind == "func":
                yield value.func.name
            elif kind == "list":
                yield from (function.name for function in value.list.func)


def _callable_functions(objects: Any) -> set[str]:
    names = set(objects.concrete_functions)
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            names.update(node.function.concrete_functions)
        elif kind == "bare_concrete_function":
            names.add(node.bare_concrete_function.concrete_function_name)
    return names


def _check_sizes(path: Path, meta: Any) -> None:
    """Compares the memory that variables and constants need with the sizes of the files."""
    stored = sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file())
    graphs = [meta.graph_def.node, *(f.node_def for f in meta.graph_def.library.function)]
    shapes = [
        node.attr["value"].tensor.tensor_shape
        for nodes in graphs
        for node in nodes
        if node.op == "Const"
    ]
    shapes += [
        node.variable.shape
        for node in meta.object_graph_def.nodes
        if node.WhichOneof("kind") == "variable"
    ]
    asked = 4 * sum(math.prod(max(size.size, 1) for size in shape.dim) for shape in shapes)
    if asked > 4 * stored + _SPARE_BYTES:
        raise UserError(
            f"{path}: asks for {asked} bytes of memory, where the files have {stored}; export the "
            "model again"
        )
