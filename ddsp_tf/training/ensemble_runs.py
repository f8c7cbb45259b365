"""Runs with several instruments: their datasets, and the folder of each instrument.

Each instrument has a folder below the run's, `instruments/NAME`, with a record and the player's
expression. The record refers to the model of the run, so that the folder can be played, evaluated
and exported like any other run.
"""

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ddsp_tf.configuration.gin_files import find_configuration
from ddsp_tf.data.manifest import Manifest
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.training.merged_statistics import merged_statistics

# The form in which a run writes its configuration.
_NAMED = re.compile(r"^instruments = [\[(]\W*'", re.MULTILINE)

Folder = str | os.PathLike
Data = Folder | Sequence[Folder] | Mapping[str, Folder | Sequence[Folder]]


def named_datasets(data: Data) -> tuple[list[Folder], list[str]]:
    """Lists datasets and the instrument of each.

    Args:
        data: One folder, several, or folders by the instrument's name.

    Returns:
        Tuple of the folders and of the instruments' names, one for each folder; no names if the
        instruments are not named.

    Raises:
        UserError: If there is no dataset.

    Example:
        >>> named_datasets({"cello": ["a", "b"], "sax": "c"})
        (['a', 'b', 'c'], ['cello', 'cello', 'sax'])
        >>> named_datasets("a")
        (['a'], [])
    """
    if isinstance(data, Mapping):
        pairs = [(folder, name) for name, given in data.items() for folder in _several(given)]
        folders, names = [folder for folder, _ in pairs], [name for _, name in pairs]
    else:
        folders, names = _several(data), []
    if not folders:
        raise UserError("no dataset given; expected at least one")
    return folders, names


def _several(data: Folder | Sequence[Folder]) -> list[Folder]:
    return [data] if isinstance(data, (str, os.PathLike)) else list(data)


def instruments_override(names: Sequence[str], config: str) -> list[str]:
    """Returns the names of the instruments as a setting of the configuration.

    Args:
        names: Name of each dataset's instrument; empty for a model of one instrument.
        config: Path or name of the configuration. That of an earlier run may name instruments,
            which are then removed.

    Returns:
        One override, or none if there are no names.

    Example:
        >>> instruments_override(["cello", "cello", "sax"], "ensemble")
        ["instruments=['cello', 'sax']"]
    """
    if names:
        return [f"instruments={list(dict.fromkeys(names))}"]
    text = find_configuration(config).read_text(encoding="utf-8", errors="replace")
    return ["instruments=()"] if _NAMED.search(text) else []


def equal_shares(manifests: Sequence[Manifest], names: Sequence[str]) -> list[float]:
    """Weights datasets so that every instrument provides the same number of clips.

    Args:
        manifests: Manifests of the datasets.
        names: Name of each dataset's instrument.

    Returns:
        Weight of each dataset; the weights of one instrument's datasets add up to 1, in proportion
        to their lengths.
    """
    minutes = [manifest.statistics["minutes"].get("train", 0.0) for manifest in manifests]
    of_instrument = dict.fromkeys(names, 0.0)
    for name, length in zip(names, minutes, strict=True):
        of_instrument[name] += length
    pairs = zip(names, minutes, strict=True)
    return [length / max(of_instrument[name], 1e-9) for name, length in pairs]


def write_instruments(
    run: RunDirectory,
    folders: Sequence[Folder],
    manifests: Sequence[Manifest],
    names: Sequence[str],
) -> list[tuple[list[Manifest], RunDirectory]]:
    """Writes or updates the folders of a run's instruments.

    Args:
        run: Run, with its record.
        folders: Folders of the datasets.
        manifests: Manifests of the datasets.
        names: Name of each dataset's instrument.

    Returns:
        Datasets and folder of each instrument.
    """
    record, parts = run.read(), []
    for name in dict.fromkeys(names):
        own = [k for k, of in enumerate(names) if of == name]
        chosen = [manifests[k] for k in own]
        part = run.instrument(name)
        if part.record.exists() and not _is_readable(part):
            part.record.unlink()
        part.update({**record, **_own_entries(name, chosen), **_places(part, folders, own)})
        parts.append((chosen, part))
    return parts


def are_written(run: RunDirectory) -> bool:
    """Tells whether the folders of a run's instruments belong to its last step."""
    record = run.read()
    parts = [run.instrument(name) for name in dict.fromkeys(record["instruments"])]
    return all(_is_readable(part) and part.read()["step"] == record["step"] for part in parts)


def _is_readable(part: RunDirectory) -> bool:
    with contextlib.suppress(UserError):
        return bool(part.read())
    return False


def _own_entries(name: str, manifests: Sequence[Manifest]) -> dict[str, Any]:
    return {
        "recordings": ", ".join(manifest.title for manifest in manifests),
        "dataset_fingerprint": " ".join(manifest.fingerprint for manifest in manifests),
        "feature_statistics": merged_statistics([one.statistics for one in manifests]),
        "instruments": [],
        "weights": None,
        "part_of": {"model": "../../best.keras", "mixture": {name: 1.0}},
    }


def _places(part: RunDirectory, folders: Sequence[Folder], own: Sequence[int]) -> dict[str, Any]:
    return part.describe_datasets([folders[k] for k in own])
