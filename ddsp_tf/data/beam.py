"""Preparation on many machines, with Apache Beam: `pip install ddsp-tf[beam]`.

Each recording is measured by the function that measures it here, so the dataset is the same.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ddsp_tf.data.measuring import Task, measure
from ddsp_tf.data.parts import records_path
from ddsp_tf.data.workers import Progress
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import TRACKERS


class BeamMeasurer:
    """Measures recordings in a Beam pipeline; give it to `prepare_dataset` as `measurer`.

    Without `folder`, workers read the recordings where they are and leave outcomes in the working
    folder beside the dataset: right for one machine, and for clusters that share their disks.
    With it, recordings are first copied there, each once, and outcomes are fetched from there.

    Args:
        runner: "DirectRunner", "FlinkRunner", "DataflowRunner" or another that Beam knows.
        options: Pipeline options as on a command line, such as "--project=mine".
        folder: A folder that this machine and all workers can read and write, on any file system
            that Beam knows, such as "gs://bucket/folder".

    Raises:
        UserError: If Beam is not installed.
    """

    def __init__(self, runner: str, options: Sequence[str] = (), folder: str | None = None) -> None:
        try:
            import apache_beam as _  # noqa: F401
        except ImportError as error:
            raise UserError(
                f"--runner {runner}: needs Apache Beam, which is not installed; "
                "pip install ddsp-tf[beam]"
            ) from error
        self.runner, self.options, self.folder = runner, list(options), folder

    def __call__(self, tasks: Sequence[Task], work: Path, on_progress: Progress) -> None:
        """Measures recordings.

        Args:
            tasks: What to measure.
            work: Gets the outcomes; see `measure`.
            on_progress: Called at the start and at the end; runners tell nothing in between.

        Raises:
            UserError: If the runner is unknown or the pipeline fails.
        """
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        on_progress(0, len(tasks), f"on {self.runner}")
        try:
            if self.folder:
                _send(tasks, self.folder)
            options = PipelineOptions(self.options, runner=self.runner)
            with beam.Pipeline(options=options) as pipeline:
                _ = (
                    pipeline
                    | "recordings" >> beam.Create([_as_element(task) for task in tasks])
                    | "spread" >> beam.Reshuffle()
                    | "measure" >> beam.Map(_measure_element, str(work), self.folder)
                )
            if self.folder:
                _fetch(tasks, self.folder, work)
        except Exception as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise UserError(
                f"--runner {self.runner}: the pipeline failed ({reason[-1]}); recordings that are "
                "finished are kept"
            ) from error
        on_progress(len(tasks), len(tasks), tasks[-1].source)


def _as_element(task: Task) -> dict[str, Any]:
    """A task without anything that is open, such as a network already loaded."""
    known = task.extractor.tracker.name in TRACKERS
    extractor: Any = json.dumps(task.extractor.describe()) if known else task.extractor
    return {"task": replace(task, extractor=extractor), "key": task.key}


def _measure_element(element: dict[str, Any], work: str, folder: str | None) -> None:
    task = element["task"]
    if isinstance(task.extractor, str):
        task = replace(task, extractor=_extractor(task.extractor))
    if task.key != element["key"]:
        raise UserError(
            "this worker has other versions of ddsp-tf or its pitch tracker; install the same "
            "everywhere"
        )
    if folder is None:
        measure(task, Path(work))
        return
    with tempfile.TemporaryDirectory() as here:
        local = Path(here) / f"recording{task.path.suffix}"
        _copy(_remote(folder, task.sha256 + task.path.suffix), str(local))
        outcome = measure(replace(task, path=local), Path(here))
        if not outcome.problem:
            records = records_path(Path(here), task.key)
            _copy(str(records), _remote(folder, records.name))
        _copy(f"{here}/{task.key}.json", _remote(folder, f"{task.key}.json"))


@lru_cache(maxsize=4)
def _extractor(description: str) -> FeatureExtractor:
    return FeatureExtractor.from_description(json.loads(description))


def _send(tasks: Sequence[Task], folder: str) -> None:
    """Copies recordings that are not there yet."""
    from apache_beam.io.filesystems import FileSystems

    if not FileSystems.exists(folder):
        FileSystems.mkdirs(folder)
    for task in tasks:
        target = _remote(folder, task.sha256 + task.path.suffix)
        if not FileSystems.exists(target):
            _copy(str(task.path), target)


def _fetch(tasks: Sequence[Task], folder: str, work: Path) -> None:
    """Copies outcomes here; the JSON file, which makes one count, last."""
    from apache_beam.io.filesystems import FileSystems

    for task in tasks:
        for name in (records_path(work, task.key).name, f"{task.key}.json"):
            if FileSystems.exists(_remote(folder, name)):
                _copy(_remote(folder, name), str(work / name))


def _remote(folder: str, name: str) -> str:
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.join(folder, name)


def _copy(source: str, target: str) -> None:
    """Copies bytes as they are; a compressed-looking name must not be unpacked on the way."""
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    raw = {"compression_type": CompressionTypes.UNCOMPRESSED}
    with FileSystems.open(source, **raw) as reader, FileSystems.create(target, **raw) as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
