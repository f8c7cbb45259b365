"""CREPE's official weights: where they lie, how they get here, and into the network."""

import bz2
import hashlib
import importlib.util
import io
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import keras
import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.crepe import BINS, CAPACITIES, FILTERS
from ddsp_tf.files.atomic import atomic_path

DOWNLOAD_URL = "https://github.com/marl/crepe/raw/models/model-{capacity}.h5.bz2"
# Of the unpacked file. The others are recognized by the shapes of all their arrays alone.
KNOWN_SHA256 = {"tiny": "409254d6a537cc432061112b7ec5f6fd283658f108fc2abc24db9c25858b42df"}
_LARGEST_BYTES = 1 << 28
_TIMEOUT_SECONDS = 60


def cache_folder() -> Path:
    """Gives the folder in which downloaded weights stay: the user's cache, `ddsp_tf/crepe`.

    Example:
        >>> cache_folder().parts[-2:]
        ('ddsp_tf', 'crepe')
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ddsp_tf" / "crepe"


def find_weights(capacity: str, path: str | os.PathLike | None = None) -> Path:
    """Finds the weights of a capacity, and downloads them if they are nowhere.

    Looked for, in this order: the given file; the data of an installed `crepe` package, which is
    not imported; the user's cache; the official repository, from which they go to the cache.

    Args:
        capacity: One of `CAPACITIES`.
        path: A `.h5` or `.h5.bz2`; nothing else is tried if it is given.

    Returns:
        The file.

    Raises:
        UserError: If the given file is missing, or the download fails.
    """
    if path is not None:
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file; expected CREPE weights (.h5 or .h5.bz2)")
        return Path(path)
    names = (f"model-{capacity}.h5", f"model-{capacity}.h5.bz2")
    for folder in (*_package_folders(), cache_folder()):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return _download(capacity, cache_folder() / names[1])


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
    # Read before it is kept: a wrong file must not stay in the cache.
    _, sha256 = read_weights(content, capacity, url)
    if sha256 != KNOWN_SHA256.get(capacity, sha256):
        raise UserError(
            f"{url}: found a file with sha256 {sha256}, unpacked; expected {KNOWN_SHA256[capacity]}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary:
        Path(temporary).write_bytes(content)
    return target


def load_weights(network: keras.Model, path: str | os.PathLike) -> str:
    """Gives a network from `crepe_network` the weights in a file.

    Args:
        network: Of the file's capacity.
        path: A `.h5` in the layout of the official weights, or such a file as `.bz2`.

    Returns:
        sha256 of the unpacked file, in hexadecimal.

    Raises:
        UserError: If the file is not readable, is damaged, or has another capacity.
    """
    capacity = network.name.removeprefix("crepe_")
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    arrays, sha256 = read_weights(content, capacity, str(path))
    for name, values in arrays.items():
        network.get_layer(name).set_weights(values)
    return sha256


def read_weights(
    content: bytes, capacity: str, source: str
) -> tuple[dict[str, list[np.ndarray]], str]:
    """Reads and checks a file of weights: every array must be there, finite, in its shape.

    Args:
        content: The file, packed with bzip2 or not.
        capacity: The capacity it must have.
        source: Path or address, for messages.

    Returns:
        Arrays by layer, in the order of Keras, and the sha256 of the unpacked file.

    Raises:
        UserError: If the content is not what it must be.
    """
    import h5py

    try:
        if content.startswith(b"BZh"):
            content = bz2.decompress(content)
        with h5py.File(io.BytesIO(content), "r") as file:
            arrays = {name: _layer(file[name]) for name in _expected_shapes(capacity)}
    except (OSError, ValueError, KeyError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{source}: not CREPE weights, or damaged ({reason}); expected the official "
            f"model-{capacity}.h5 or .h5.bz2"
        ) from error
    sha256 = hashlib.sha256(content).hexdigest()
    for name, shapes in _expected_shapes(capacity).items():
        found = [values.shape for values in arrays[name]]
        if found != shapes:
            raise UserError(
                f"{source}: layer {name} has the shapes {found}; capacity {capacity!r} has "
                f"{shapes}; give the weights of that capacity, one of {', '.join(CAPACITIES)}"
            )
        if not all(np.isfinite(values).all() for values in arrays[name]):
            raise UserError(f"{source}: layer {name} has values that are not finite; get it anew")
    return arrays, sha256


def _expected_shapes(capacity: str) -> dict[str, list[tuple[int, ...]]]:
    shapes, inputs = {}, 1
    for number, filters in enumerate(FILTERS, start=1):
        outputs = filters * CAPACITIES[capacity]
        width = 512 if number == 1 else 64
        shapes[f"conv{number}"] = [(width, inputs, outputs), (outputs,)]
        shapes[f"conv{number}-BN"] = [(outputs,)] * 4
        inputs = outputs
    # Six poolings and a stride of 4 leave 4 of the 1024 samples.
    return {**shapes, "classifier": [(4 * inputs, BINS), (BINS,)]}


def _layer(group) -> list[np.ndarray]:
    """Reads one layer's arrays in the order of Keras; convolutions lose their second axis."""
    found = {}

    def visit(name, item):
        if hasattr(item, "shape"):
            found[name.rsplit("/", 1)[-1].partition(":")[0]] = np.array(item, np.float32)

    group.visititems(visit)
    if "kernel" not in found:
        return [found[name] for name in ("gamma", "beta", "moving_mean", "moving_variance")]
    kernel = found["kernel"]
    return [kernel[:, 0] if kernel.ndim == 4 else kernel, found["bias"]]
