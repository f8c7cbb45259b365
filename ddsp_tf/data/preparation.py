"""Recordings to a dataset: features, splits, shards, manifest."""

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from ddsp_tf.data.atomic import atomic_path
from ddsp_tf.data.audio_files import read_audio
from ddsp_tf.data.manifest import (
    INDEX_NAME,
    MANIFEST_NAME,
    SPLITS,
    Manifest,
    SkippedFile,
    load_manifest,
)
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.data.selection import (
    Candidate,
    Paths,
    choose_held_out,
    find_candidates,
    fingerprint,
    reason_without_name,
)
from ddsp_tf.data.shards import Part, assemble, segment_frames, split_in_time, write_part
from ddsp_tf.data.statistics import dataset_statistics
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

MINIMUM_SECONDS = 0.5
SILENT_PEAK_DB = -60.0


def dataset_fingerprint(
    audio: Paths,
    *,
    extractor: FeatureExtractor,
    validation: Paths = (),
    validation_share: float = 0.1,
    seed: int = 0,
) -> str:
    """Tells what `Manifest.fingerprint` would be, without preparing anything.

    Args:
        audio: As for `prepare_dataset`, like all others.
        extractor: See there.
        validation: See there.
        validation_share: See there.
        seed: See there.

    Returns:
        64 hexadecimal digits, which change with the content of any recording and any setting.

    Raises:
        UserError: If a path is missing or a recording is in both lists.
    """
    return fingerprint(find_candidates(audio, validation), extractor, validation_share, seed)


def prepare_dataset(
    audio: Paths,
    out: str | PathLike,
    *,
    extractor: FeatureExtractor,
    validation: Paths = (),
    validation_share: float = 0.1,
    seed: int = 0,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Manifest:
    """Turns recordings into a dataset.

    Every recording is brought to mono and the extractor's sample rate, measured as a whole, and
    written in records of at most 20 s; less than a hop at its end is dropped. A recording
    shorter than what a model trains on is kept: batches pad it with silence. Recordings are
    skipped, and counted in the manifest, if they cannot be read, hold NaN, are shorter than
    0.5 s, peak below -60 dBFS, have no voiced frame, or have the content of another.

    Validation holds `validation` if given. Otherwise it holds a share of the recordings, chosen
    by seed, at least one and never all; of a single recording its last part.

    Args:
        audio: Files or folders.
        out: Folder of the dataset. It appears when complete; an earlier dataset is replaced.
        extractor: Measures the features and sets the rates.
        validation: Files or folders to hold out.
        validation_share: Share to hold out otherwise: 0 for none, 1 for all.
        seed: Chooses the recordings held out.
        on_progress: Called with recordings done, recordings in all, and the name of the one
            that is next (at the end, of the last).

    Returns:
        The manifest of the dataset.

    Raises:
        UserError: If a path or the share is wrong, a recording is in both lists, `out` holds
            something else, no recording is usable, or the disk is full.
    """
    out = Path(out)
    if not 0 <= validation_share <= 1:
        raise UserError(f"validation_share {validation_share}: expected 0 to 1")
    _check_target(out)
    candidates = find_candidates(audio, validation)
    report = on_progress or (lambda done, total, name: None)
    try:
        with atomic_path(out) as folder:
            folder.mkdir()
            parts, skipped = _measure_all(candidates, folder, extractor, report)
            _check_usable(parts, skipped, candidates)
            parts = _split(parts, extractor, validation_share, seed)
            shards, files = assemble(parts, folder, extractor.frame_rate)
            manifest = Manifest(
                sample_rate=extractor.sample_rate,
                frame_rate=extractor.frame_rate,
                hop=extractor.hop,
                extractor=extractor.describe(),
                seed=seed,
                validation_share=float(validation_share),
                segment_frames=segment_frames(extractor),
                shards=tuple(shards),
                files=tuple(files),
                skipped=tuple(skipped),
                statistics={},
                fingerprint=fingerprint(candidates, extractor, validation_share, seed),
                folder=folder,
            )
            splits = [split for split in SPLITS if manifest.has_split(split)]
            readers = {split: DatasetReader(manifest, split) for split in splits}
            manifest.statistics.update(dataset_statistics(readers))
            manifest.save(folder)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{out}: cannot be written ({reason}); choose another place") from error
    return load_manifest(out)


def _check_target(out: Path) -> None:
    """Makes sure that nothing but an earlier dataset would be replaced."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out}: is a file; expected a new folder for the dataset")
    names = {entry.name for entry in out.iterdir() if not entry.name.startswith(".")}
    foreign = {
        name
        for name in names
        if name not in (MANIFEST_NAME, INDEX_NAME) and not name.endswith(".tfrecord")
    }
    if foreign or (names and MANIFEST_NAME not in names):
        raise UserError(
            f"{out}: holds {min(foreign or names)}, which is not of a dataset; choose a new folder"
        )


def _measure_all(
    candidates: list[Candidate],
    folder: Path,
    extractor: FeatureExtractor,
    report: Callable[[int, int, str], None],
) -> tuple[list[Part], list[SkippedFile]]:
    """Measures and writes recordings one by one, each to a file of its own."""
    parts, skipped = [], []
    for number, candidate in enumerate(candidates):
        report(number, len(candidates), candidate.source)
        try:
            if candidate.problem:
                raise UserError(candidate.problem)
            sound = read_audio(candidate.path, extractor.sample_rate, MINIMUM_SECONDS)
            arrays = _measure(sound, extractor)
        except UserError as error:
            reason = reason_without_name(error, candidate.path)
            skipped.append(SkippedFile(candidate.source, reason))
            continue
        path = folder / f"recording-{number}"
        parts.append(write_part(path, arrays, candidate, extractor))
    report(len(candidates), len(candidates), candidates[-1].source)
    return parts, skipped


def _measure(sound: np.ndarray, extractor: FeatureExtractor) -> dict[str, np.ndarray]:
    """Gives audio and features of a recording, or says why it is of no use."""
    peak_db = 20.0 * np.log10(max(float(sound.max()), -float(sound.min()), 1e-10))
    if peak_db < SILENT_PEAK_DB:
        raise UserError(f"silent: peaks at {peak_db:.0f} dBFS; expected {SILENT_PEAK_DB:g} or more")
    features = extractor.extract(sound)
    if not (features["f0_confidence"] >= VOICED_CONFIDENCE).any():
        raise UserError("no pitch found anywhere; expected one voice or instrument that plays")
    return {"audio": sound[: features["f0_hz"].size * extractor.hop], **features}


def _split(parts: list[Part], extractor: FeatureExtractor, share: float, seed: int) -> list[Part]:
    """Says which parts are for validation; divides a single recording in time."""
    if any(part.candidate.held_out for part in parts):
        held_out = {part.candidate.sha256 for part in parts if part.candidate.held_out}
    elif len(parts) == 1 and 0 < share < 1:
        return split_in_time(parts[0], extractor, share, MINIMUM_SECONDS)
    else:
        held_out = choose_held_out([part.candidate.sha256 for part in parts], share, seed)
    return [replace(part, split=SPLITS[part.candidate.sha256 in held_out]) for part in parts]


def _check_usable(
    parts: list[Part], skipped: list[SkippedFile], candidates: list[Candidate]
) -> None:
    """Makes sure that of each list given, something is left."""
    usable = {part.candidate.held_out for part in parts}
    for held_out, what in ((False, "training"), (True, "validation")):
        given = {entry.source for entry in candidates if entry.held_out == held_out}
        if given and held_out not in usable:
            reasons = [f"{file.source}: {file.reason}" for file in skipped if file.source in given]
            raise UserError(
                f"none of the {len(given)} {what} recordings is usable: {'; '.join(reasons[:3])}"
            )
