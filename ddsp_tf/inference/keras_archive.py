"""Inspects a `.keras` file before Keras opens it.

Keras runs code that a file names: Lambda layers, functions found by name, layers that load other
files. Which of these Keras blocks depends on its version, so this module blocks them for every
version: it accepts only what our saved models contain.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from ddsp_tf.errors import UserError

_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
# A shipped configuration has 4 kB.
_LARGEST_JSON = 1 << 24
_LARGEST_INTEGER = 1 << 32  # Seeds have 32 bits.


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KERAS_MODULES = (
    "keras",
    "keras.layers",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.src.models.functional",
)
# Layers that compute with their own weights, and the objects that configure them.
_KERAS_CLASSES = _names(
    """
    Activation ActivityRegularization Add AlphaDropout Attention Average AveragePooling1D
    BatchNormalization Bidirectional Concatenate Constant Conv1D Conv1DTranspose Conv2D DTypePolicy
    Dense DepthwiseConv1D Dot Dropout ELU EinsumDense Embedding Flatten FloatDTypePolicy Functional
    GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalMaxPooling1D GlorotNormal
    GlorotUniform GroupNormalization HeNormal HeUniform Identity InputLayer L1 L1L2 L2 LSTM LSTMCell
    Layer LayerNormalization LeakyReLU LecunNormal LecunUniform Masking MaxNorm MaxPooling1D Maximum
    MelSpectrogram MinMaxNorm Minimum MultiHeadAttention Multiply NonNeg Ones Orthogonal
    OrthogonalRegularizer PReLU Permute RMSNormalization RNN RandomNormal RandomUniform ReLU
    RepeatVector Reshape STFTSpectrogram SeedGenerator SeparableConv1D Sequential SimpleRNN
    SimpleRNNCell Softmax SpatialDropout1D SpectralNormalization StackedRNNCells Subtract
    TimeDistributed TruncatedNormal UnitNorm UnitNormalization UpSampling1D VarianceScaling
    ZeroPadding1D Zeros
    """
)
# The forms in which Keras stores Python values that JSON lacks.
_VALUES = ("__keras_tensor__", "__tuple__", "__slice__", "__ellipsis__")


def check_keras_archive(path: Path) -> int:
    """Refuses a `.keras` file that could do more than contain a model.

    It accepts a zip archive of the three uncompressed members that Keras writes, if the
    configuration names only classes registered in this process or plain layers of Keras, and the
    weights are in the file itself.

    Args:
        path: File to inspect.

    Returns:
        Number of elements in all its weights.

    Raises:
        UserError: If the file is damaged or contains anything else. The message names the part and
            the reason.
    """
    if path.suffix != ".keras":  # Keras accepts no other spelling.
        raise UserError(
            f"{path}: found the suffix {path.suffix!r}; expected .keras, as model.save writes it "
            "(.h5 files can run code while they are loaded)"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            config = json.loads(archive.read("config.json"))
            _check_config(path, config)
            return _check_weights(path, archive.read("model.weights.h5"))
    except UserError:
        raise
    except Exception as error:  # zipfile, json and h5py raise many types for damaged files.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path}: damaged, or not a .keras file ({reason})") from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(names) != len(_MEMBERS) or set(names) != _MEMBERS:
        other = next((name for name in names if name not in _MEMBERS), ", ".join(names))
        raise UserError(
            f"{path}: contains {other!r}; expected exactly {', '.join(sorted(_MEMBERS))}"
        )
    size = path.stat().st_size
    for member in members:
        # Keras does not compress, so no member can be larger than the file.
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
            raise UserError(
                f"{path}: {member.filename} is compressed ({member.file_size} bytes unpacked); "
                "expected it as Keras stores it, uncompressed"
            )
        if member.filename.endswith(".json") and member.file_size > _LARGEST_JSON:
            raise UserError(
                f"{path}: {member.filename} has {member.file_size} bytes; expected at most "
                f"{_LARGEST_JSON}"
            )


def _check_config(path: Path, config: Any) -> None:
    if not isinstance(config, dict) or "class_name" not in config:
        raise UserError(f"{path}: config.json describes no model")
    # Models are loaded without their compilation.
    config = {key: value for key, value in config.items() if key != "compile_config"}
    for value in _walk(config):
        if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
            raise UserError(f"{path}: config.json holds the number {value}; expected 32 bits")
        if isinstance(value, dict) and "class_name" in value:
            reason = _obstacle(value)
            if reason:
                raise UserError(f"{path}: not loaded, because its configuration names {reason}")


def _walk(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, dict):
            # Keras identifies shared objects by their 64-bit addresses.
            waiting += (
                entry
                for key, entry in value.items()
                if key != "shared_object_id" or not isinstance(entry, int)
            )
        elif isinstance(value, list):
            waiting += value


def _obstacle(config: dict) -> str | None:
    """Returns why Keras must not resolve a class or function by name; None if it may."""
    name, module = config["class_name"], config.get("module")
    registered = config.get("registered_name")
    if not isinstance(name, str) or not isinstance(registered, str | None):
        return f"a class {name!r}"
    if name in _VALUES:
        return None
    if name == "function":
        return _function_obstacle(config.get("config"), module)
    if registered and keras.saving.get_registered_object(registered) is not None:
        return None
    if module in _KERAS_MODULES:
        if name in _KERAS_CLASSES and registered in (None, name):
            return None
        if "Quantized" in name:
            return (
                f"{module}.{name}: models after keras's quantize are not loaded; save the float32 "
                "model, and export it with --precision int8"
            )
        return f"{module}.{name}, which can run code or read files, or which our models do not use"
    return (
        f"{registered or f'{module}.{name}'}, which is not registered; import the module that "
        "registers it with keras.saving.register_keras_serializable, if you trust it"
    )


def _function_obstacle(name: Any, module: Any) -> str | None:
    if isinstance(name, str):
        if keras.saving.get_registered_object(name) is not None:
            return None
        known = not name.startswith("_") and hasattr(keras.activations, name)
        if module in ("builtins", "keras.activations") and known:
            return None
    return f"the function {module}.{name}; expected activations of Keras or registered functions"


def _check_weights(path: Path, content: bytes) -> int:
    """Checks that all weights are numbers inside the HDF5 file, and not larger than the file."""
    with h5py.File(io.BytesIO(content), "r") as file:
        total, count, seen, waiting = 0, 0, set(), [file["/"]]
        while waiting:
            group = waiting.pop()
            for name in group:
                place = f"{group.name.rstrip('/')}/{name}"
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    raise UserError(
                        f"{path}: weights {place} are a {type(link).__name__}, which reads other "
                        "files or places; expected the numbers themselves"
                    )
                item = group[name]
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    raise UserError(f"{path}: contains the weights {place} twice")
                seen.add(address)
                if isinstance(item, h5py.Group):
                    waiting.append(item)
                    continue
                _check_dataset(path, place, item)
                total, count = total + item.nbytes, count + item.size
                if total > len(content):
                    raise UserError(
                        f"{path}: claims {total} bytes of weights; the file has only {len(content)}"
                    )
                if item.dtype.kind == "f" and not np.isfinite(item[()]).all():
                    raise UserError(
                        f"{path}: weights {place} hold NaN or infinite numbers; copy the file "
                        "again, or train again"
                    )
        return count


def _check_dataset(path: Path, place: str, item: Any) -> None:
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiub":
        raise UserError(f"{path}: weights {place} are not numbers")
    if item.external or item.is_virtual:
        raise UserError(
            f"{path}: weights {place} are stored in another file; expected all in this one"
        )
