"""Features are extracted in other processes, and are the same."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from ddsp_tf.errors import UserError
from ddsp_tf.features import extraction_processes as module
from ddsp_tf.features import extractor as extractor_module
from ddsp_tf.features.auto_tracker import AutoTracker
from ddsp_tf.features.extraction_processes import extraction_processes
from ddsp_tf.features.extractor import FeatureExtractor

EXTRACTOR = FeatureExtractor()


def tone(f0_hz):
    return 0.1 * np.sin(2 * np.pi * f0_hz * np.arange(8000, dtype=np.float32) / 16000)


@pytest.fixture
def only_elsewhere(monkeypatch):
    """Makes extraction fail in this process."""

    def fail(*arguments):
        raise RuntimeError("extracted in this process")

    monkeypatch.setattr(extractor_module, "power_db", fail)


def test_other_processes_extract_the_same(only_elsewhere, monkeypatch):
    tones = [tone(f0_hz) for f0_hz in (110, 220, 330, 440, 550, 660)]
    with extraction_processes(3) as extract, ThreadPoolExecutor(3) as executor:
        found = list(executor.map(lambda audio: extract(EXTRACTOR, audio), tones))
        with pytest.raises(UserError, match="audio of 3 samples"):
            extract(EXTRACTOR, np.zeros(3, np.float32))
    monkeypatch.undo()
    # As in the processes; several threads add up in another order.
    with threadpool_limits(1, "blas"):
        for features, audio in zip(found, tones, strict=True):
            for name, values in EXTRACTOR.extract(audio).items():
                np.testing.assert_array_equal(features[name], values)


@pytest.mark.parametrize(("count", "releases_lock"), [(1, False), (2, True)])
def test_threads_are_enough_for_few_and_for_networks(
    count, releases_lock, only_elsewhere, monkeypatch
):
    monkeypatch.setattr(AutoTracker, "releases_lock", releases_lock)
    with extraction_processes(count) as extract, pytest.raises(RuntimeError, match="this process"):
        extract(EXTRACTOR, tone(220))


def test_a_process_that_is_killed_is_replaced_by_this_one(monkeypatch):
    workers = []

    class Worker(module.WorkerProcess):
        def __enter__(self):
            workers.append(self)
            return super().__enter__()

    monkeypatch.setattr(module, "WorkerProcess", Worker)
    with extraction_processes(3) as extract:
        for worker in workers:
            worker._process.kill()
        for _ in workers:
            assert extract(EXTRACTOR, tone(220))["f0_hz"][100] == pytest.approx(220, rel=1e-3)
