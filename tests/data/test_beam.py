"""A Beam pipeline makes the dataset that threads make. Skipped without Apache Beam."""

import shutil
import sys
from pathlib import Path

import pytest

from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def measurer():
    pytest.importorskip("apache_beam")
    from ddsp_tf.data.beam import BeamMeasurer

    return BeamMeasurer


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
def test_pipeline_gives_the_same_bytes(measurer, record, tmp_path, extractor, shared):
    for number in range(4):
        record(f"{number}.wav", 1.0 + number, number)
    folder = record("silent.wav", 1, gain=1e-5).parent
    beam_folder = str(tmp_path / "shared") if shared else None
    prepare_dataset(
        folder,
        tmp_path / "beam",
        extractor=extractor,
        measurer=measurer("DirectRunner", ["--no_pipeline_type_check"], beam_folder),
    )
    prepare_dataset(folder, tmp_path / "threads", extractor=extractor)
    assert content(tmp_path / "beam") == content(tmp_path / "threads")


def recordings_measured():
    """Asked on a worker: how often it made an extractor or used one that it had."""
    from ddsp_tf.data import beam

    information = beam._extractor.cache_info()
    return information.hits + information.misses


@pytest.mark.long
@pytest.mark.parametrize("shared", [False, True])
def test_two_workers_of_a_dask_cluster_give_the_same_bytes(
    measurer, record, melodies, tmp_path, monkeypatch, shared
):
    distributed = pytest.importorskip("distributed")
    extractor = FeatureExtractor(16000, 100)
    shutil.copytree(melodies, tmp_path / "audio")
    record("silent.wav", 1, gain=1e-5)
    # Paths that mean something else to the workers, which stay where they were started.
    workers = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**workers) as cluster:
        monkeypatch.chdir(tmp_path)
        address = f"--dask_client_address={cluster.scheduler_address}"
        options = [address, "--no_pipeline_type_check"]
        beam_folder = str(tmp_path / "shared") if shared else None
        prepare_dataset(
            Path("audio"),
            Path("dask"),
            extractor=extractor,
            measurer=measurer("DaskRunner", options, beam_folder),
        )
        with distributed.Client(cluster) as client:
            counts = client.run(recordings_measured)
    assert len(counts) == 2 and min(counts.values()) > 0
    prepare_dataset(Path("audio"), Path("threads"), extractor=extractor)
    assert content(tmp_path / "dask") == content(tmp_path / "threads")


@pytest.mark.slow
def test_a_tracker_in_use_is_sent_as_its_description(measurer, melodies, tmp_path):
    extractor = FeatureExtractor(16000, 100)
    prepare_dataset(melodies, tmp_path / "threads", extractor=extractor)
    prepare_dataset(
        melodies, tmp_path / "beam", extractor=extractor, measurer=measurer("DirectRunner")
    )
    assert content(tmp_path / "beam") == content(tmp_path / "threads")


@pytest.mark.slow
def test_an_unknown_runner_is_a_mistake_even_if_nothing_is_left_to_measure(measurer):
    with pytest.raises(UserError, match=r"--runner Nonesuch: cannot be used .*expected Direct"):
        measurer("Nonesuch")


@pytest.mark.slow
def test_without_dask_the_message_says_what_to_install(measurer, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    monkeypatch.delitem(sys.modules, "apache_beam.runners.dask.dask_runner", raising=False)
    with pytest.raises(UserError, match=r"DaskRunner \(pip install ddsp-tf\[dask\]\)"):
        measurer("DaskRunner", ["--dask_client_address=tcp://localhost:8786"])


def test_dask_needs_a_cluster():
    from ddsp_tf.data.beam import BeamMeasurer

    with pytest.raises(UserError, match=r"no cluster is named; add .*--dask_client_address="):
        BeamMeasurer("DaskRunner", ["--dask_npartitions=4"])


def test_without_beam_the_message_says_what_to_install(monkeypatch):
    from ddsp_tf.data.beam import BeamMeasurer

    for name in ("apache_beam", "apache_beam.runners.runner"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=r"pip install ddsp-tf\[beam\]"):
        BeamMeasurer("DirectRunner")
