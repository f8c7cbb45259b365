"""CREPE's official weights: finding, downloading and reading them."""

import bz2
import hashlib
import importlib.util
import io
import os
import urllib.error
import urllib.request
from pathlib import Path

import keras
import numpy as np

from ddsp_tf.backend.user_cache import user_cache
from ddsp_tf.errors import UserError
from ddsp_tf.features.crepe import CAPACITIES, crepe_network

DOWNLOAD_URL = "https://github.com/marl/crepe/raw/models/model-{capacity}.h5.bz2"
# Hash of the unpacked file. Other capacities are recognized by the shapes of their arrays only.
KNOWN_SHA256 = {"tiny": "409254d6a537cc432061112b7ec5f6fd283658f108fc2abc24db9c25858b42df"}
_LARGEST_BYTES = 1 << 28
_TIMEOUT_SECONDS = 60


def find_weights(capacity: str, path: str | os.PathLike | None = None) -> Path:
    """Finds the weights of a capacity, and downloads them if there are none.

    It tries, in this order: the given file; the data of an installed `crepe` package, which is not
    imported; the user's cache; a download from the official repository into the user's cache.

    Args:
        capacity: Size of the network, one of `CAPACITIES`.
        path: `.h5` or `.h5.bz2` file; nothing else is tried if it is given.

    Returns:
        Path of the file.

    Raises:
        UserError: If the given file is missing, or the download fails.
    """
    if path is not None:
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file; expected CREPE weights (.h5 or .h5.bz2)")
        return Path(path)
    names = (f"model-{capacity}.h5", f"model-{capacity}.h5.bz2")
    for folder in (*_package_folders(), user_cache("crepe")):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return _download(capacity, user_cache("crepe") / names[1])


def _package_folders() -> list[Path]:
    package = importlib.util.find_spec("crepe")
    return [Path(place) for place in (package and package.submodule_search_locations) or ()]


def _download(capacity: str, target: Path) -> Path:
    url = DOWNLOAD_URL.format(capacity=capacity)
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content = response.read(_LARGEST_BYTES)
    except (OSError, urllib.error.URLError) as error:
        raise UserError(
            f"pitch tracker crepe: could not download {url} ({error}); without a network, put the "
            f"file into {target.parent} or name it: CrepeTracker.weights='model-{capacity}.h5.bz2'"
        ) from error
    # The file is read before it is kept: a wrong one must not stay in the cache.
    sha256 = _read_into(crepe_network(capacity), content, url)
    if sha256 != KNOWN_SHA256.get(capacity, sha256):
        raise UserError(
            f"{url}: found a file with sha256 {sha256}, unpacked; expected {KNOWN_SHA256[capacity]}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def load_weights(network: keras.Model, path: str | os.PathLike) -> str:
    """Loads weights from a file into a network of `crepe_network`.

    Args:
        network: Network of the file's capacity.
        path: `.h5` file in the layout of the official weights, or such a file as `.bz2`.

    Returns:
        sha256 of the unpacked file, in hexadecimal.

    Raises:
        UserError: If the file is unreadable or damaged, or has another capacity.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    return _read_into(network, content, str(path))


def _read_into(network, content, source):
    """Checks all arrays of a file, then loads them into the network; returns the sha256.

    Keras could read the official files itself, but only into two-dimensional convolutions, which
    take three times as long as ours (512 frames on two CPU cores: 4.8 s instead of 1.7 s).
    """
    import h5py

    capacity = network.name.removeprefix("crepe_")
    layers = [layer for layer in network.layers if layer.weights]
    try:
        if content.startswith(b"BZh"):
            content = bz2.BZ2Decompressor().decompress(content, _LARGEST_BYTES)
        with h5py.File(io.BytesIO(content), "r") as file:
            arrays = [_arrays(file[layer.name], layer) for layer in layers]
    except (OSError, ValueError, KeyError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{source}: not CREPE weights, or damaged ({reason}); expected the official "
            f"model-{capacity}.h5 or .h5.bz2"
        ) from error
    for layer, values in zip(layers, arrays, strict=True):
        found = [value.shape for value in values]
        expected = [tuple(weight.shape) for weight in layer.weights]
        if found != expected:
            raise UserError(
                f"{source}: layer {layer.name} has the shapes {found}; capacity {capacity!r} has "
                f"{expected}; give the weights of that capacity, one of {', '.join(CAPACITIES)}"
            )
        if not all(np.isfinite(value).all() for value in values):
            raise UserError(
                f"{source}: layer {layer.name} has values that are not finite; download it again"
            )
    for layer, values in zip(layers, arrays, strict=True):
        layer.set_weights(values)
    return hashlib.sha256(content).hexdigest()


def _arrays(group, layer):
    """A layer's arrays in the order of its weights; convolutions lose their second axis."""
    found = {}

    def visit(name, item):
        if hasattr(item, "shape"):
            found[name.rsplit("/", 1)[-1].partition(":")[0]] = np.array(item, np.float32)

    group.visititems(visit)
    arrays = [found[weight.name] for weight in layer.weights]
    return [array[:, 0] if array.ndim == 4 else array for array in arrays]
