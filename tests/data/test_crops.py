"""Crops are random, even, and the same for ever."""

import itertools
from collections import Counter

import numpy as np
import pytest

from ddsp_tf.data import crops, shards
from ddsp_tf.data.crops import plan_crops, random_crops
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.data.reader import DatasetReader


@pytest.fixture
def reader(record, extractor, tmp_path, monkeypatch):
    """Recordings of 1050 (two records), 350, 275 and 35 frames, each in a shard of its own."""
    monkeypatch.setattr(shards, "_SHARD_BYTES", 1)
    paths = [record(f"{k}.wav", seconds, k) for k, seconds in enumerate((21, 7, 5.5, 0.7))]
    dataset = prepare_dataset(paths, tmp_path / "d", extractor=extractor, validation_share=0)
    assert len(dataset.shards) == 4
    return DatasetReader(dataset, "train")


def take(reader, count, seed=0, first=0):
    made = random_crops(reader, 100, seed, first).take(count)
    return [
        (crop["source"].decode(), int(crop["start_frame"])) for crop in made.as_numpy_iterator()
    ]


def test_an_epoch_visits_recordings_by_their_length(reader, monkeypatch):
    monkeypatch.setattr(crops, "_CROPS_PER_EPOCH", 30)
    plan = plan_crops(reader, 100)
    assert (plan.round_crops, plan.rounds, plan.epoch_crops) == (18, 2, 36)
    found = take(reader, 72)
    for epoch in (found[:36], found[36:]):
        counts = Counter(source for source, _ in epoch)
        assert counts == {"0.wav": 20, "1.wav": 8, "2.wav": 6, "3.wav": 2}
        assert epoch != sorted(epoch)


def test_crops_cover_a_recording_evenly(reader):
    starts = np.array([start for source, start in take(reader, 6000) if source == "0.wav"])
    for record in (starts[starts < 525], starts[starts >= 525] - 525):
        assert record.min() == 0
        assert record.max() == 425
        share = np.histogram(record, 5, (0, 426))[0] / record.size
        np.testing.assert_allclose(share, 0.2, atol=0.01)


def test_order_differs_between_epochs_and_seeds(reader, monkeypatch):
    monkeypatch.setattr(crops, "_CROPS_PER_EPOCH", 18)
    whole = take(reader, 36)
    other_seeds = [take(reader, 18, seed=seed) for seed in (1, -1, 2**40)]
    for one, other in itertools.combinations([whole[:18], whole[18:], *other_seeds], 2):
        assert one != other


def test_order_never_changes(reader, monkeypatch):
    # Recorded once: a stopped training must find its place with any later version.
    monkeypatch.setattr(crops, "_CROPS_PER_EPOCH", 18)
    assert take(reader, 4, first=20) == [
        ("1.wav", 38),
        ("1.wav", 239),
        ("0.wav", 820),
        ("1.wav", 176),
    ]


def test_shuffle_buffer_is_bounded_in_bytes(reader):
    assert plan_crops(reader, 100).shuffled == 2**26 // (4 * 100 * 324)
    assert plan_crops(reader, 1).shuffled == 1024
    assert plan_crops(reader, 500).shuffled == 2**26 // (4 * 500 * 324)
    assert plan_crops(reader, 10**6).shuffled == 32
