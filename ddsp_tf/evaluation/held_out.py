"""The choice of clips to evaluate a run on: held-out, training or other clips."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from ddsp_tf.data.manifest import SPLITS, Manifest, check_same_extractor, load_manifest
from ddsp_tf.errors import UserError
from ddsp_tf.files.run_directory import RunDirectory
from ddsp_tf.models.ensemble import mixture_weights

HELD_OUT = "held-out clips"
_RELATIONS = {
    "validation": HELD_OUT,
    "train": "training clips",
    "all": "training and held-out clips",
}
_LEVELS = ("loudness_fft_size", "power_frame_size")


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a dataset to evaluate on.

    Attributes:
        manifest: Manifest of the dataset.
        split: Split to evaluate on: "validation", "train" or "all".
        relation: Relation of the part to the model; see `EvaluatedDataset.relation`.
        mixture: Weights of the instruments that play it, None for the model as it is.
    """

    manifest: Manifest
    split: str
    relation: str
    mixture: Sequence[float] | None = None

    @property
    def splits(self) -> list[str]:
        """Splits to read, except those without recordings."""
        wanted = SPLITS if self.split == "all" else (self.split,)
        return [split for split in wanted if self.split != "all" or self.manifest.has_split(split)]


def choose_parts(
    run: RunDirectory,
    data: Sequence[str | os.PathLike] = (),
    split: str | None = None,
) -> tuple[list[Part], list[str]]:
    """Chooses the clips to evaluate a run on.

    From datasets that the run was trained on, it chooses held-out clips. It chooses training clips
    only on request, or if nothing was held out, and then adds a note.

    Args:
        run: Run to evaluate.
        data: Dataset folders; by default those that the run was trained on.
        split: Split to evaluate on: "validation", "train" or "all". By default "validation" of
            datasets that the run was trained on, wherever they are now, and "all" of others.

    Returns:
        Tuple of parts of the datasets, at least one, and notes for the reader of the numbers.

    Raises:
        UserError: If a dataset is missing, was prepared with settings that rule out a comparison,
            or has no recordings in the requested split.
    """
    record = run.read()
    trained_on = set(record["dataset_fingerprint"].split())
    manifests = [load_manifest(folder) for folder in (data or run.datasets())]
    if not record["extractor"]:
        raise UserError(f"{run.record}: does not say how features were measured; train again")
    notes = _extractor_notes(manifests, record["extractor"])
    own = [manifest for manifest in manifests if manifest.fingerprint in trained_on]
    held_out = any(manifest.has_split("validation") for manifest in own)
    parts, mixtures = [], _mixtures(record)
    for manifest in manifests:
        if manifest.fingerprint not in trained_on:
            parts.append(Part(manifest, split or "all", "clips of another dataset"))
            notes += _shared_recordings(manifest, run)
            if record["instruments"]:
                notes.append(
                    f"{manifest.folder}: is played by all instruments in equal shares; evaluate "
                    f"{run.path / 'instruments'}/NAME for one of them."
                )
            continue
        chosen = split or ("validation" if held_out else "train")
        if chosen == "validation" and held_out and not manifest.has_split("validation"):
            notes.append(f"{manifest.folder}: has no held-out recordings; not evaluated")
            continue
        mixture = mixtures.get(manifest.fingerprint)
        parts.append(Part(manifest, chosen, _RELATIONS[chosen], mixture))
    if own and not held_out and not split:
        notes.append("No recordings were held out: these are training clips.")
    elif data and own and not split:
        notes.append(
            f"The model was trained on {_names(own)}: only the held-out clips are evaluated "
            "(--split all for all)."
        )
    return parts, notes


def _mixtures(record: dict[str, Any]) -> dict[str, Sequence[float]]:
    """Returns the mixture that plays each dataset, by fingerprint, for a run with instruments."""
    names = record["instruments"]
    pairs = zip(record["dataset_fingerprint"].split(), names, strict=False)
    instruments = list(dict.fromkeys(names))
    return {one: mixture_weights(instruments, name).tolist() for one, name in pairs}


def _extractor_notes(manifests: Sequence[Manifest], trained_with: dict[str, Any]) -> list[str]:
    """Refuses datasets that cannot be compared; a different pitch tracker only gets a note."""
    check_same_extractor(manifests)
    manifest = manifests[0]
    manifest.check_rates(trained_with["sample_rate"], trained_with["frame_rate"])
    for name in _LEVELS:
        if manifest.extractor[name] != trained_with[name]:
            raise UserError(
                f"{manifest.folder}: {name} is {manifest.extractor[name]} but was "
                f"{trained_with[name]} in training, so levels cannot be compared; "
                "prepare the dataset with the configuration of the run"
            )
    tracker, training_tracker = _tracker(manifest.extractor), _tracker(trained_with)
    if tracker == training_tracker:
        return []
    return [
        f"Pitch in {_names(manifests)} was measured by {tracker}, in training by "
        f"{training_tracker}."
    ]


def _tracker(extractor: dict[str, Any]) -> str:
    tracker = extractor["pitch_tracker"]
    settings = "".join(f", {name}={value}" for name, value in tracker.get("settings", {}).items())
    refined = ", refined" if extractor.get("refine_f0") else ""
    return f"{tracker['name']} {tracker['version']}{settings}{refined}"


def _shared_recordings(manifest: Manifest, run: RunDirectory) -> list[str]:
    """Notes how many recordings of another dataset the model was trained on."""
    try:
        training = [load_manifest(folder) for folder in run.datasets()]
    except UserError:
        return []  # Without the training data, this is unknown.
    known = {
        recording.sha256
        for one in training
        for recording in one.recordings
        if any(file.split == "train" for file in recording.files)
    }
    hashes = {recording.sha256 for recording in manifest.recordings}
    if not hashes & known:
        return []
    return [
        f"{len(hashes & known)} of the {len(hashes)} recordings in {manifest.folder} were trained "
        "on: the model knows them."
    ]


def _names(manifests: Sequence[Manifest]) -> str:
    return ", ".join(str(manifest.folder) for manifest in manifests)
