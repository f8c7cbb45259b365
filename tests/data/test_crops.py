"""Crops are random, even, and the same for ever."""

import itertools

import numpy as np

from ddsp_tf.data.crops import consecutive_clips, random_crops


def crops(frames, count, clip_frames=100, seed=0, first=0):
    dataset = random_crops(frames, clip_frames, seed, first).take(count)
    return [(int(file), int(start)) for file, start in dataset.as_numpy_iterator()]


def test_an_epoch_visits_recordings_by_their_length():
    files = [file for file, _ in crops([1050, 350, 275, 35], 18)]
    assert np.bincount(files).tolist() == [10, 4, 3, 1]
    assert files != sorted(files)


def test_crops_cover_a_recording_evenly():
    found = crops([1000, 90], 500 * 11, seed=3)
    starts = [start for file, start in found if file == 0]
    assert min(starts) == 0
    assert max(starts) == 900
    share = np.histogram(starts, 10, (0, 901))[0] / len(starts)
    np.testing.assert_allclose(share, 0.1, atol=0.01)
    assert {start for file, start in found if file == 1} == {0}


def test_any_crop_can_be_the_first():
    frames = [500, 320, 1000]
    whole = crops(frames, 60)
    for first in (1, 17, 18, 19, 36, 59):
        assert crops(frames, 60 - first, first=first) == whole[first:]


def test_order_differs_between_epochs_and_seeds():
    whole = crops([500] * 4, 40)
    other_seeds = [crops([500] * 4, 20, seed=seed) for seed in (1, -1, 2**40)]
    for one, other in itertools.combinations([whole[:20], whole[20:], *other_seeds], 2):
        assert one != other


def test_order_never_changes():
    # Recorded once: a stopped training must find its place with any later version.
    assert crops([500] * 4, 5) == [(1, 28), (0, 222), (3, 119), (2, 306), (2, 160)]


def test_clips_follow_each_other():
    assert consecutive_clips([250, 249, 30], 100) == [
        (0, 0),
        (0, 100),
        (0, 200),
        (1, 0),
        (1, 100),
        (2, 0),
    ]
