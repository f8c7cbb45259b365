"""Measured recordings, each complete or absent, in a folder that survives an interruption."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

from threadpoolctl import threadpool_limits

from ddsp_tf.backend.placement import processors
from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.measuring import measure
from ddsp_tf.data.recordings import Recording
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.data.segments import ranges_of, read_segments, resegmented, write_segments
from ddsp_tf.errors import NoRoomError, UserError
from ddsp_tf.features.extraction_processes import extraction_processes
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.files.atomic import atomic_path, link_or_copy
from ddsp_tf.files.documents import read_document

Progress = Callable[[float, int, str], None]
# A function of recordings, extractor, rules, the working folder and a `Progress`.
Measurer = Callable[..., None]


class UnusableError(UserError):
    """None of the recordings can be used, so the measurements are not worth keeping."""


@contextmanager
def working_folder(work: Path, fresh: bool) -> Iterator[None]:
    """Opens a working folder, and removes it at the end.

    After a failure that is not due to the recordings (a full disk, Ctrl-C), the folder is kept if
    it contains measured recordings. Unfinished files of a killed process are removed first.
    """
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    for entry in work.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name.startswith("."):
            entry.unlink()
    try:
        yield
    except BaseException as error:
        if isinstance(error, UnusableError) or not _measured_in(work):
            shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)


def what_is_kept(work: Path) -> str:
    """Returns the end of a message on failed work: what the next call need not measure again."""
    count = _measured_in(work)
    if not count:
        return "nothing had been measured yet"
    return f"{count} measured recording{' is' if count == 1 else 's are'} kept"


def _measured_in(work: Path) -> int:
    return sum(path.with_suffix(".json").is_file() for path in work.glob("[!.]*.tfrecord"))


def save_measured(work: Path, recording: Recording) -> None:
    """Saves the state of a recording whose segments have been written."""
    with atomic_path(work / f"{recording.key}.json") as temporary:
        temporary.write_text(json.dumps(recording.to_json()), encoding="utf-8")


def load_measured(work: Path, recording: Recording) -> Recording | None:
    """Loads the state of a recording, measured or skipped; None if it is incomplete."""
    try:
        loaded = read_document(work / f"{recording.key}.json", Recording, "")
    except UserError:
        return None
    for file in loaded.files:
        path = work / file.name
        if not path.is_file() or path.stat().st_size != file.size_bytes:
            return None
    return replace(loaded, held_out=recording.held_out, path=recording.path)


def measure_missing(
    recordings: Sequence[Recording],
    extractor: FeatureExtractor,
    rules: PreparationRules,
    *,
    work: Path,
    earlier: Path,
    measurer: Measurer,
    on_progress: Progress,
) -> None:
    """Measures recordings, except those from a stopped call or an earlier dataset."""

    def missing() -> list[Recording]:
        return [entry for entry in recordings if load_measured(work, entry) is None]

    _take_over(missing(), earlier, work, extractor)
    todo = missing()
    done, total = len(recordings) - len(todo), len(recordings)
    on_progress(done, total, "")
    if todo:
        measurer(
            todo,
            extractor,
            rules,
            work,
            lambda share, _, name: on_progress(done + share, total, name),
        )
    on_progress(total, total, "")


def _take_over(
    recordings: Sequence[Recording], dataset: Path, work: Path, extractor: FeatureExtractor
) -> None:
    """Copies recordings from an earlier dataset if their keys, and hence all inputs, are equal."""
    try:
        manifest = load_manifest(dataset)
    except UserError:
        return
    known = {entry.key: entry for entry in (*manifest.recordings, *manifest.skipped) if entry.key}
    for recording in recordings:
        if recording.key in known:
            try:
                save_measured(work, _copied(manifest, known[recording.key], work))
            except NoRoomError:
                raise
            except UserError:
                continue  # It is damaged, so it is measured again.


def _copied(manifest: Manifest, recording: Recording, work: Path) -> Recording:
    """Copies a recording's segments; a recording that was divided in time is joined again."""
    target = work / f"{recording.key}.tfrecord"
    if not recording.files:
        return recording
    if len(recording.files) == 1:
        link_or_copy(manifest.path_of(recording.files[0]), target)
        file = replace(recording.files[0], name=target.name, split="train")
    else:
        segments = chain.from_iterable(read_segments(manifest, file) for file in recording.files)
        ranges = ranges_of(segment for file in recording.files for segment in file.segments)
        file = write_segments(
            target,
            resegmented(segments, ranges, manifest.segment_frames, manifest.hop),
            source=recording.source,
            split="train",
            sample_rate=manifest.sample_rate,
        )
    return replace(recording, files=(file,))


class _Stopped(Exception):
    """Ends the work on a recording, because another failed or the user stopped it."""


def measure_in_threads(
    recordings: Sequence[Recording],
    extractor: FeatureExtractor,
    rules: PreparationRules,
    work: Path,
    on_progress: Progress,
    jobs: int | None = None,
) -> None:
    """Measures recordings, the largest first, and writes the results to a folder.

    From three threads on, processes extract the features; two rarely wait for each other. Matrix
    products use one thread each, because more took 75 % more processor time.
    """
    jobs = min(jobs or processors(), len(recordings))
    shares: dict[str, float] = {}
    lock, stop = threading.Lock(), threading.Event()

    def work_on(recording: Recording) -> None:
        def advance(share: float) -> None:
            if stop.is_set():
                raise _Stopped
            with lock:
                shares[recording.key] = share
                on_progress(sum(shares.values()), len(recordings), recording.source)

        advance(0.0)
        save_measured(work, measure(recording, extractor, rules, work, advance, extract))
        advance(1.0)

    largest_first = sorted(recordings, key=lambda recording: -_size(recording))
    with (
        threadpool_limits(1, "blas"),
        extraction_processes(jobs if jobs > 2 else 0) as extract,
        ThreadPoolExecutor(jobs) as executor,
    ):
        futures = [executor.submit(work_on, recording) for recording in largest_first]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            stop.set()
            executor.shutdown(cancel_futures=True)


def _size(recording: Recording) -> int:
    """Returns a file's size; 0 if it has disappeared, which measuring it will report."""
    try:
        return Path(recording.path or "").stat().st_size
    except OSError:
        return 0
