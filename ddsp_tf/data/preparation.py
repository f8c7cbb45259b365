"""Recordings to a dataset: features, splits, shards, manifest."""

import os
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path

from ddsp_tf.audio.files import file_sha256
from ddsp_tf.data.manifest import (
    INDEX_NAME,
    MANIFEST_NAME,
    PAGE_NAME,
    SPLITS,
    Manifest,
    SkippedFile,
    load_manifest,
)
from ddsp_tf.data.measuring import Task, segment_frames
from ddsp_tf.data.parts import Part
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.data.rules import MINIMUM_SECONDS, PreparationRules
from ddsp_tf.data.selection import Candidate, Paths, choose_held_out, find_candidates, fingerprint
from ddsp_tf.data.shards import assemble, split_in_time
from ddsp_tf.data.statistics import dataset_statistics
from ddsp_tf.data.workers import Progress, measure_in_threads
from ddsp_tf.data.working_folder import (
    Measurer,
    UnusableError,
    collect,
    measure_missing,
    working_folder,
)
from ddsp_tf.errors import NoRoomError, UserError
from ddsp_tf.features.extractor import FeatureExtractor

_RULES = PreparationRules()


def dataset_fingerprint(
    audio: Paths,
    *,
    extractor: FeatureExtractor,
    validation: Paths = (),
    validation_share: float = 0.1,
    rules: PreparationRules = _RULES,
    seed: int = 0,
) -> str:
    """Tells what `Manifest.fingerprint` would be, without preparing anything.

    Args:
        audio: As for `prepare_dataset`, like all others.
        extractor: See there.
        validation: See there.
        validation_share: See there.
        rules: See there.
        seed: See there.

    Returns:
        64 hexadecimal digits, which change with the content of any recording and any setting.

    Raises:
        UserError: If a path is missing or a recording is in both lists.
    """
    candidates = find_candidates(audio, validation)
    return fingerprint(candidates, extractor, rules, validation_share, seed)


def prepare_dataset(
    audio: Paths,
    out: str | PathLike,
    *,
    extractor: FeatureExtractor,
    validation: Paths = (),
    validation_share: float = 0.1,
    rules: PreparationRules = _RULES,
    seed: int = 0,
    jobs: int | None = None,
    fresh: bool = False,
    measurer: Measurer | None = None,
    on_progress: Progress | None = None,
) -> Manifest:
    """Turns recordings into a dataset.

    Every recording is brought to mono and the extractor's sample rate, treated as `rules` say,
    measured, and written in records of at most 20 s; less than a hop at its end is dropped. A
    recording shorter than what a model trains on is kept: batches pad it with silence.
    Recordings are skipped, and counted in the manifest, if they cannot be read, hold NaN, are
    shorter than 0.5 s, peak below -60 dBFS, have no voiced frame, or have the content of another.

    Validation holds `validation` if given. Otherwise it holds a share of the recordings, chosen
    by seed, at least one and never all; of a single recording its last part.

    Work that is stopped goes on when called again: recordings that were finished wait in the
    hidden folder `.<name of out>.preparing` beside `out`. Of an earlier dataset in `out`, too,
    everything is taken that would come out the same. Neither changes a byte of the result, nor
    do jobs or the measurer.

    Args:
        audio: Files or folders.
        out: Folder of the dataset. It appears when complete; an earlier dataset is replaced.
        extractor: Measures the features and sets the rates.
        validation: Files or folders to hold out.
        validation_share: Share to hold out otherwise: 0 for none, 1 for all.
        rules: For silence and levels.
        seed: Chooses the recordings held out.
        jobs: Recordings measured at a time; by default one for each processor.
        fresh: Whether to measure everything anew.
        measurer: Another way to measure many recordings than threads, such as
            `ddsp_tf.data.beam.BeamMeasurer`; leaves outcomes as `measure` does.
        on_progress: Called with recordings done, counting shares of those in work; recordings
            in all; and the name of one that has just advanced.

    Returns:
        The manifest of the dataset.

    Raises:
        UserError: If a path or the share is wrong, a recording is in both lists, `out` holds
            something else, no recording is usable, or the disk is full.
    """
    out = Path(os.path.abspath(out))
    if not 0 <= validation_share <= 1:
        raise UserError(f"validation_share {validation_share}: expected 0 to 1")
    _check_target(out)
    candidates = find_candidates(audio, validation)
    work = out.with_name(f".{out.name}.preparing")
    tasks = {
        candidate: Task.of(candidate, extractor, rules)
        for candidate in candidates
        if not candidate.problem
    }
    try:
        with working_folder(work, fresh):
            measurer = measurer or partial(measure_in_threads, jobs=jobs)
            measure_missing(list(tasks.values()), out, work, measurer, on_progress)
            parts, skipped = collect(candidates, tasks, work)
            _check_usable(parts, skipped, candidates)
            manifest = Manifest(
                sample_rate=extractor.sample_rate,
                frame_rate=extractor.frame_rate,
                hop=extractor.hop,
                extractor=extractor.describe(),
                seed=seed,
                validation_share=float(validation_share),
                rules=rules.describe(),
                segment_frames=segment_frames(extractor.frame_rate),
                shards=(),
                files=(),
                recordings=tuple(part.recording for part in parts),
                skipped=tuple(skipped),
                statistics={},
                fingerprint=fingerprint(candidates, extractor, rules, validation_share, seed),
            )
            _write(manifest, _split(parts, work, extractor, validation_share, seed), work, out,
                   extractor)  # fmt: skip
    except (OSError, NoRoomError) as error:
        reason = error.strerror or error
        raise UserError(
            f"{out}: cannot be written ({reason}); make room or choose another place, then run "
            "the same again: recordings that are finished are not measured twice"
        ) from error
    return load_manifest(out)


def _write(
    manifest: Manifest, parts: list[Part], work: Path, out: Path, extractor: FeatureExtractor
) -> None:
    """Writes the dataset into the working folder, then puts it in place."""
    folder = work / "dataset"
    folder.mkdir()
    shards, files = assemble(parts, folder, extractor)
    manifest = replace(
        manifest,
        shards=tuple(shards),
        files=tuple(files),
        index_sha256=file_sha256(folder / INDEX_NAME),
        folder=folder,
    )
    splits = [split for split in SPLITS if manifest.has_split(split)]
    readers = {split: DatasetReader(manifest, split) for split in splits}
    replace(manifest, statistics=dataset_statistics(readers)).save(folder)
    if out.exists():
        os.replace(out, work / "earlier")
    os.replace(folder, out)


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
        if name not in (MANIFEST_NAME, INDEX_NAME, PAGE_NAME) and not name.endswith(".tfrecord")
    }
    if foreign or (names and MANIFEST_NAME not in names):
        raise UserError(
            f"{out}: holds {min(foreign or names)}, which is not of a dataset; choose a new folder"
        )


def _split(
    parts: list[Part], work: Path, extractor: FeatureExtractor, share: float, seed: int
) -> list[Part]:
    """Says which parts are for validation; divides a single recording in time."""
    if any(part.held_out for part in parts):
        held_out = {part.recording.sha256 for part in parts if part.held_out}
    elif len(parts) == 1 and 0 < share < 1:
        pieces = work / "pieces"
        pieces.mkdir()
        return split_in_time(parts[0], pieces, extractor, share, MINIMUM_SECONDS)
    else:
        held_out = choose_held_out([part.recording.sha256 for part in parts], share, seed)
    return [replace(part, split=SPLITS[part.recording.sha256 in held_out]) for part in parts]


def _check_usable(
    parts: list[Part], skipped: list[SkippedFile], candidates: list[Candidate]
) -> None:
    """Makes sure that of each list given, something is left."""
    usable = {part.held_out for part in parts}
    for held_out, what in ((False, "training"), (True, "validation")):
        given = {entry.source for entry in candidates if entry.held_out == held_out}
        if given and held_out not in usable:
            reasons = [f"{file.source}: {file.reason}" for file in skipped if file.source in given]
            raise UnusableError(
                f"none of the {len(given)} {what} recordings is usable: {'; '.join(reasons[:3])}"
            )
