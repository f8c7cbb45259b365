"""Clips are random, evenly spread, and the same in every version."""

import itertools
from collections import Counter

import numpy as np
import pytest

from ddsp_tf.data import random_clips as module
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.data.random_clips import cut_out, plan_clips, random_clips


@pytest.fixture
def manifest(record, extractor, tmp_path, monkeypatch):
    """Recordings of 1050 (two segments), 350, 275 and 35 frames, each a group of its own."""
    monkeypatch.setattr(module, "_GROUP_BYTES", 1)
    paths = [record(f"{k}.wav", seconds, k) for k, seconds in enumerate((21, 7, 5.5, 0.7))]
    return prepare_dataset(paths, tmp_path / "d", extractor=extractor, validation_share=0)


def take(manifest, count, seed=0, first=0):
    made = random_clips(manifest, 100, seed, first).take(count).map(lambda c: cut_out(c, 100))
    return [
        (clip["source"].decode(), int(clip["start_frame"])) for clip in made.as_numpy_iterator()
    ]


def test_an_epoch_visits_recordings_by_their_length(manifest, monkeypatch):
    monkeypatch.setattr(module, "_CLIPS_PER_EPOCH", 30)
    plan = plan_clips(manifest, 100)
    assert (plan.round_clips, plan.rounds) == (18, 2)
    found = take(manifest, 72)
    for epoch in (found[:36], found[36:]):
        counts = Counter(source for source, _ in epoch)
        assert counts == {"0.wav": 20, "1.wav": 8, "2.wav": 6, "3.wav": 2}
        assert epoch != sorted(epoch)


def test_clips_cover_a_recording_evenly(manifest):
    starts = np.array([start for source, start in take(manifest, 6000) if source == "0.wav"])
    for own in (starts[starts < 525], starts[starts >= 525] - 525):
        assert own.min() == 0
        assert own.max() == 425
        share = np.histogram(own, 5, (0, 426))[0] / own.size
        np.testing.assert_allclose(share, 0.2, atol=0.01)


def test_order_differs_between_epochs_and_seeds(manifest, monkeypatch):
    monkeypatch.setattr(module, "_CLIPS_PER_EPOCH", 18)
    whole = take(manifest, 36)
    other_seeds = [take(manifest, 18, seed=seed) for seed in (1, -1, 2**40)]
    for one, other in itertools.combinations([whole[:18], whole[18:], *other_seeds], 2):
        assert one != other


def test_order_never_changes(manifest, monkeypatch):
    # Recorded once: a stopped training must find its place with any later version.
    monkeypatch.setattr(module, "_CLIPS_PER_EPOCH", 18)
    assert take(manifest, 4, first=20) == [
        ("1.wav", 38),
        ("1.wav", 239),
        ("0.wav", 820),
        ("1.wav", 176),
    ]


def test_shuffle_buffer_is_bounded_in_bytes(manifest):
    assert plan_clips(manifest, 100).shuffled == 2**26 // (4 * 100 * 324)
    assert plan_clips(manifest, 1).shuffled == 1024
    assert plan_clips(manifest, 500).shuffled == 2**26 // (4 * 500 * 324)
    assert plan_clips(manifest, 10**6).shuffled == 32


def test_files_are_grouped_by_size(monkeypatch):
    monkeypatch.setattr(module, "_GROUP_BYTES", 10)
    assert module._group_edges([4, 4, 4, 1, 12, 1]) == [0, 3, 5, 6]
    assert module._group_edges([1]) == [0, 1]
