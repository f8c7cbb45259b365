"""Preparation on many machines, with Apache Beam: `pip install ddsp-tf[beam]`.

Workers measure recordings with the same function as a single machine, so the dataset is the same.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ddsp_tf.data.measuring import measure
from ddsp_tf.data.recordings import Recording
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.data.selection import recording_key
from ddsp_tf.data.working_folder import Progress, save_measured, what_is_kept
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import TRACKERS

# Full names of runners that Beam does not know by their short names.
_FULL_NAMES = {"DaskRunner": "apache_beam.runners.dask.dask_runner.DaskRunner"}
# Options that name Dask's scheduler.
_CLUSTER = ("--dask_client_address", "--dask_scheduler_file")


class BeamMeasurer:
    """Measures recordings in a Beam pipeline; give it to `prepare_dataset` as `measurer`.

    Without `folder`, workers read the recordings in place and write to the working folder next to
    the dataset, which suits one machine and clusters that share their disks. With `folder`, each
    recording is first copied there once, and results are fetched from there.

    Args:
        runner: Name of the runner: "DirectRunner", "DaskRunner", "FlinkRunner", "DataflowRunner" or
            another that Beam knows.
        options: Pipeline options as on a command line, such as "--project=mine".
        folder: Folder that this machine and all workers can read and write, on any file system
            that Beam knows, such as "gs://bucket/folder".

    Raises:
        UserError: If Beam is not installed or does not know the runner, or Dask's cluster is not
            named.
    """

    def __init__(self, runner: str, options: Sequence[str] = (), folder: str | None = None) -> None:
        if runner == "DaskRunner" and not any(name in o for o in options for name in _CLUSTER):
            raise UserError(
                "--runner DaskRunner: no cluster is named; add "
                "--beam-option=--dask_client_address=tcp://HOST:8786, with the scheduler's address"
            )
        try:
            from apache_beam.runners.runner import create_runner
        except ImportError as error:
            raise UserError(
                f"--runner {runner}: needs Apache Beam, which is not installed; "
                "pip install ddsp-tf[beam]"
            ) from error
        try:
            create_runner(_FULL_NAMES.get(runner, runner))
        except Exception as error:  # Also if packages of the runner itself are missing.
            raise UserError(
                f"--runner {runner}: cannot be used ({str(error).splitlines()[0]}); expected "
                "DirectRunner, DaskRunner (pip install ddsp-tf[dask]), FlinkRunner, DataflowRunner "
                "or another that Beam knows"
            ) from error
        self.runner, self.options, self.folder = runner, list(options), folder
        if runner == "DaskRunner" and not any("partition" in option for option in options):
            # By default Beam gives one worker 128 recordings at a time.
            self.options.append("--dask_partition_size=1")

    def __call__(
        self,
        recordings: Sequence[Recording],
        extractor: FeatureExtractor,
        rules: PreparationRules,
        work: Path,
        on_progress: Progress,
    ) -> None:
        """Measures recordings, as `measure_in_threads` does; reports progress at both ends only."""
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        on_progress(0, len(recordings), f"on {self.runner}")
        # A loaded network cannot be sent to workers, but the description of its tracker can.
        known = extractor.tracker.name in TRACKERS
        sent: Any = json.dumps(extractor.describe()) if known else extractor
        try:
            if self.folder:
                _send(recordings, self.folder)
            runner = _FULL_NAMES.get(self.runner, self.runner)
            options = PipelineOptions(self.options, runner=runner)
            # Workers have their own working folders.
            here = [_with_absolute_path(recording) for recording in recordings]
            to, folder = str(work.absolute()), self.folder
            with beam.Pipeline(options=options) as pipeline:
                _ = (
                    pipeline
                    | "recordings" >> beam.Create(here)
                    | "spread" >> beam.Reshuffle()
                    | "measure" >> beam.Map(_measure, sent, rules, to, folder)
                )
            if hasattr(pipeline.result, "client"):  # Dask's client, which Beam leaves open.
                pipeline.result.client.close()
            if self.folder:
                _fetch(recordings, self.folder, work)
        except Exception as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise UserError(
                f"--runner {self.runner}: the pipeline failed ({reason[-1]}); {what_is_kept(work)}"
            ) from error
        on_progress(len(recordings), len(recordings), recordings[-1].source)


def _with_absolute_path(recording: Recording) -> Recording:
    return replace(recording, path=recording.path.absolute()) if recording.path else recording


def _measure(
    recording: Recording, sent: Any, rules: PreparationRules, work: str, folder: str | None
) -> None:
    extractor = _extractor(sent) if isinstance(sent, str) else sent
    if recording_key(recording, extractor, rules) != recording.key:
        raise UserError(
            "this worker has other versions of ddsp-tf or its pitch tracker; install the same "
            "everywhere"
        )
    if folder is None:
        save_measured(Path(work), measure(recording, extractor, rules, Path(work)))
        return
    with tempfile.TemporaryDirectory() as here:
        local = Path(here, _name(recording))
        _copy(_remote(folder, local.name), str(local))
        measured = measure(replace(recording, path=local), extractor, rules, Path(here))
        save_measured(Path(here), measured)
        # The JSON file, which marks a result as complete, comes last.
        for name in (*(file.name for file in measured.files), f"{recording.key}.json"):
            _copy(f"{here}/{name}", _remote(folder, name))


@lru_cache(maxsize=4)
def _extractor(description: str) -> FeatureExtractor:
    return FeatureExtractor.from_description(json.loads(description))


def _send(recordings: Sequence[Recording], folder: str) -> None:
    """Copies recordings that are not there yet."""
    from apache_beam.io.filesystems import FileSystems

    if not FileSystems.exists(folder):
        FileSystems.mkdirs(folder)
    for recording in recordings:
        target = _remote(folder, _name(recording))
        if not FileSystems.exists(target):
            _copy(str(recording.path), target)


def _fetch(recordings: Sequence[Recording], folder: str, work: Path) -> None:
    from apache_beam.io.filesystems import FileSystems

    for recording in recordings:
        for name in (f"{recording.key}.tfrecord", f"{recording.key}.json"):
            if FileSystems.exists(_remote(folder, name)):
                _copy(_remote(folder, name), str(work / name))


def _name(recording: Recording) -> str:
    return recording.sha256 + (recording.path.suffix if recording.path else "")


def _remote(folder: str, name: str) -> str:
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.join(folder, name)


def _copy(source: str, target: str) -> None:
    """Copies bytes unchanged: Beam would decompress files whose names look compressed."""
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    raw = {"compression_type": CompressionTypes.UNCOMPRESSED}
    with FileSystems.open(source, **raw) as reader, FileSystems.create(target, **raw) as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
