"""Preparation of a dataset from recordings: features, splits, segments, manifest."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from ddsp_tf.audio.finding import Paths
from ddsp_tf.data.manifest import SCHEMA_VERSION, Manifest, check_replaceable, load_manifest
from ddsp_tf.data.recordings import SPLITS, Recording, SegmentFile, Split
from ddsp_tf.data.rules import MINIMUM_SECONDS, PreparationRules
from ddsp_tf.data.segments import ranges_of, read_file, resegmented, segment_frames, write_segments
from ddsp_tf.data.selection import choose_held_out, find_recordings, fingerprint, recording_key
from ddsp_tf.data.statistics import dataset_statistics
from ddsp_tf.data.working_folder import (
    Measurer,
    Progress,
    UnusableError,
    load_measured,
    measure_in_threads,
    measure_missing,
    what_is_kept,
    working_folder,
)
from ddsp_tf.errors import NoRoomError, UserError, check_number
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.atomic import atomic_path, link_or_copy, recover
from ddsp_tf.files.locks import locked
from ddsp_tf.version import __version__

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
    """Computes `Manifest.fingerprint` from the arguments of `prepare_dataset`, without preparing.

    It changes if the content of any recording or any setting does.
    """
    recordings, _ = find_recordings(audio, validation)
    return fingerprint(recordings, extractor, rules, validation_share, seed)


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
    on_note: Callable[[str], None] | None = None,
) -> Manifest:
    """Turns recordings into a dataset.

    Every recording is converted to mono and the extractor's sample rate, treated according to
    `rules`, measured, and written in segments of at most 20 s; a remainder of less than a hop is
    dropped. A recording shorter than a training clip is kept: batches pad it with silence.
    Recordings are skipped, and listed in the manifest, if they cannot be read, are cut off, contain
    NaN, are shorter than 0.5 s, peak below -60 dBFS, have no voiced frame, or duplicate another.

    The validation split consists of `validation` if given. Otherwise it is a share of the
    recordings, chosen by seed, at least one and never all; or the last part of a single recording.

    A stopped preparation resumes when called again: measured recordings are kept in the hidden
    folder `.<name of out>.preparing` next to `out`. Recordings of an earlier dataset in `out` that
    would not change are reused, too. Neither this, nor `jobs`, nor the measurer changes a byte of
    the result.

    Args:
        audio: Files or folders.
        out: Folder of the dataset. It appears when complete and replaces an earlier dataset.
        extractor: Extractor that measures the features and sets the rates.
        validation: Files or folders to hold out.
        validation_share: Share to hold out if `validation` is not given: 0 for none, 1 for all.
        rules: Rules for channels, silence and levels.
        seed: Seed that selects the recordings to hold out.
        jobs: Number of recordings measured at a time; by default one per processor.
        fresh: Whether to measure everything again.
        measurer: Function that measures many recordings, such as `ddsp_tf.data.beam.BeamMeasurer`;
            by default `measure_in_threads`.
        on_progress: Function called with the number of recordings done, including fractions of
            those in progress; their total; and the name of one that has just advanced.
        on_note: Function called with a sentence about files or folders that are not used.

    Returns:
        Manifest of the dataset.

    Raises:
        UserError: If a path or the share is wrong, a recording is in both lists, `out` contains
            anything but a dataset or is locked, no recording is usable, or the disk is full.

    Example:
        >>> import tempfile, numpy, ddsp_tf
        >>> folder = Path(tempfile.mkdtemp())
        >>> tone = 0.1 * numpy.sin(2.0 * numpy.pi * 440.0 / 16000 * numpy.arange(16000))
        >>> _ = ddsp_tf.write_audio(folder / "tone.wav", tone, 16000)
        >>> extractor = FeatureExtractor(16000, 250)
        >>> manifest = prepare_dataset(folder / "tone.wav", folder / "dataset", extractor=extractor)
        >>> [recording.source for recording in manifest.recordings]
        ['tone.wav']
    """
    out = Path(os.path.abspath(out))
    check_number("validation_share", validation_share, 0.0, 1.0)
    check_number("seed", seed, 0, whole=True)
    if jobs is not None:
        check_number("jobs", jobs, 1, whole=True)
    with locked(out, "preparing a dataset"):
        recover(out)
        check_replaceable(out)
        recordings, notes = find_recordings(audio, validation, out)
        for note in notes:
            (on_note or (lambda text: None))(note)
        work = out.with_name(f".{out.name}.preparing")
        try:
            with working_folder(work, fresh):
                found = _keyed(recordings, extractor, rules)
                measure_missing(
                    found,
                    extractor,
                    rules,
                    work=work,
                    earlier=out,
                    measurer=measurer or partial(measure_in_threads, jobs=jobs),
                    on_progress=on_progress or (lambda done, total, name: None),
                )
                measured, skipped = _collect(recordings, found, work)
                _check_usable(measured, skipped)
                manifest = Manifest(
                    **_described(extractor, rules, seed, validation_share),
                    fingerprint=fingerprint(recordings, extractor, rules, validation_share, seed),
                    recordings=tuple(measured),
                    skipped=tuple(skipped),
                    statistics={},
                )
                with atomic_path(out) as folder:
                    folder.mkdir()
                    write_dataset(manifest, work, folder)
        except (OSError, NoRoomError) as error:
            raise _unwritten(out, work, error) from error
    return load_manifest(out)


def _keyed(
    recordings: list[Recording], extractor: FeatureExtractor, rules: PreparationRules
) -> list[Recording]:
    """Returns the recordings to measure, with the keys of their results."""
    found = (entry for entry in recordings if entry.status == "found")
    return [replace(entry, key=recording_key(entry, extractor, rules)) for entry in found]


def _unwritten(out: Path, work: Path, error: OSError | NoRoomError) -> UserError:
    return UserError(
        f"{out}: cannot be written ({error.strerror or error}); make room or choose another "
        f"place, then run the same command again: {what_is_kept(work)}"
    )


def _described(
    extractor: FeatureExtractor, rules: PreparationRules, seed: int, validation_share: float
) -> dict[str, Any]:
    """Returns the entries of a manifest that describe how its dataset was made."""
    return {
        "schema_version": SCHEMA_VERSION,
        "ddsp_tf_version": __version__,
        "sample_rate": extractor.sample_rate,
        "frame_rate": extractor.frame_rate,
        "hop": extractor.hop,
        "extractor": extractor.describe(),
        "rules": rules.describe(),
        "seed": seed,
        "validation_share": float(validation_share),
        "segment_frames": segment_frames(extractor.frame_rate),
    }


def write_dataset(manifest: Manifest, work: Path, folder: Path) -> None:
    """Writes a dataset: files of segments, statistics, manifest."""
    numbers: dict[Split, int] = dict.fromkeys(SPLITS, 0)
    held_out = _held_out(manifest)

    def in_place(recording: Recording) -> Recording:
        files = []
        for path, file in _in_splits(recording, held_out, manifest, work):
            name = f"{file.split}-{numbers[file.split]:05d}.tfrecord"
            numbers[file.split] += 1
            link_or_copy(path, folder / name)
            files.append(replace(file, name=name))
        return replace(recording, files=tuple(files), path=None)

    recordings = tuple(in_place(recording) for recording in manifest.recordings)
    skipped = tuple(replace(recording, path=None) for recording in manifest.skipped)
    manifest = replace(manifest, recordings=recordings, skipped=skipped, folder=folder)
    replace(manifest, statistics=dataset_statistics(manifest)).save(folder)


def _held_out(manifest: Manifest) -> set[str] | None:
    """Returns hashes of the held-out recordings; None to divide a single recording in time."""
    recordings, share = manifest.recordings, manifest.validation_share
    if any(recording.held_out for recording in recordings):
        return {recording.sha256 for recording in recordings if recording.held_out}
    if len(recordings) == 1 and share not in (0, 1):
        return None
    return choose_held_out([recording.sha256 for recording in recordings], share, manifest.seed)


def _in_splits(
    recording: Recording, held_out: set[str] | None, manifest: Manifest, work: Path
) -> Iterator[tuple[Path, SegmentFile]]:
    """Returns paths and descriptions of a recording's files, with their splits."""
    (file,) = recording.files
    path, share = work / file.name, manifest.validation_share
    if held_out is not None:
        yield path, replace(file, split=SPLITS[recording.sha256 in held_out])
        return
    least = round(MINIMUM_SECONDS * manifest.frame_rate)
    boundary = file.frames - max(round(share * file.frames), least)
    if boundary < least:
        yield path, file
        return
    for split, begin, end in zip(SPLITS, (0, boundary), (boundary, file.frames), strict=True):
        starts = (segment.start_frame for segment in file.segments)
        segments = zip(starts, read_file(path, manifest.hop), strict=True)
        ranges = _within(ranges_of(file.segments), begin, end)
        target = work / f"{split}.tfrecord"
        written = write_segments(
            target,
            resegmented(segments, ranges, manifest.segment_frames, manifest.hop),
            source=recording.source,
            split=split,
            sample_rate=manifest.sample_rate,
        )
        yield target, written


def _within(ranges: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """Returns the frames from `begin` to `end`, counted over all ranges."""
    found, passed = [], 0
    for first, last in ranges:
        low, high = max(begin - passed, 0), min(end - passed, last - first)
        if low < high:
            found.append((first + low, first + high))
        passed += last - first
    return found


def _collect(
    recordings: list[Recording], found: list[Recording], work: Path
) -> tuple[list[Recording], list[Recording]]:
    """Returns the measured and the skipped recordings, both in the given order."""
    keys = {entry.source: entry for entry in found}
    measured, skipped = [], []
    for recording in recordings:
        if recording.source in keys:
            loaded = load_measured(work, keys[recording.source])
            if loaded is None:
                raise OSError(f"{recording.source} was measured, but the result is lost")
            recording = loaded
        (measured if recording.status == "measured" else skipped).append(recording)
    return measured, skipped


def _check_usable(measured: list[Recording], skipped: list[Recording]) -> None:
    """Checks that each list of recordings has a usable one."""
    for held_out, what in ((False, "training"), (True, "validation")):
        bad = [entry for entry in skipped if entry.held_out == held_out]
        if bad and not any(entry.held_out == held_out for entry in measured):
            reasons = [f"{entry.source}: {entry.reason}" for entry in bad]
            raise UnusableError(
                f"none of the {len(bad)} {what} recordings is usable: {'; '.join(reasons[:3])}"
            )
