"""Clips of several datasets, in the shares asked for."""

import numpy as np
import pytest

from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor

SIZES = {"clip_frames": 50, "batch_size": 10, "seed": 3}


@pytest.fixture
def datasets(record, extractor, tmp_path):
    """Nine seconds of a.wav, three of b.wav: nine and three clips a pass."""
    return [
        prepare_dataset(
            record(f"{name}.wav", seconds), tmp_path / name, extractor=extractor, validation_share=0
        )
        for name, seconds in (("a", 9.0), ("b", 3.0))
    ]


def sources(datasets, count, first_step=0, **settings):
    batches = training_batches(
        datasets, **SIZES, first_step=first_step, with_sources=True, **settings
    ).take(count)
    found = [
        list(zip(about["source"], about["start_frame"], strict=True))
        for _, _, about in batches.as_numpy_iterator()
    ]
    return [clip for batch in found for clip in batch]


def share_of_b(found):
    return np.mean([source == b"b.wav" for source, _ in found])


def test_shares_follow_lengths_or_weights(datasets):
    assert share_of_b(sources(datasets, 200)) == pytest.approx(0.25, abs=0.03)
    assert share_of_b(sources(datasets, 200, weights=[1, 3])) == pytest.approx(0.75, abs=0.03)


def test_any_step_can_be_the_first(datasets):
    whole = sources(datasets, 12, weights=[1, 1])
    assert sources(datasets, 5, first_step=7, weights=[1, 1]) == whole[70:]
    assert sources(datasets, 12, weights=[1, 1]) == whole


def test_equal_datasets_do_not_play_in_unison(datasets):
    found = sources([datasets[0], datasets[0]], 30)
    # Of 401 places 212 are met by 300 random clips, but 125 if every clip came twice.
    assert len(set(found)) > 180


@pytest.mark.parametrize(
    ("weights", "words"),
    [([1.0], "1 weights for 2 datasets"), ([1.0, 0.0], "b: weight 0"), ([1, float("nan")], "nan")],
)
def test_wrong_weights(datasets, weights, words):
    with pytest.raises(UserError, match=words):
        training_batches(datasets, **SIZES, weights=weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_rate": 100}, r"c: frame_rate of the dataset is 100 but"),
        ({"loudness_fft_size": 1024}, r"c: loudness_fft_size of this dataset is 1024 but that of"),
        ({"refine_f0": True}, r"c: refine_f0 of this dataset is True but that of"),
        ({"pitch_tracker": "yin"}, r"c: pitch_tracker of this dataset is .*yin"),
    ],
)
def test_datasets_of_other_extractors(datasets, settings, message, melodies, extractor, tmp_path):
    ours = {"frame_rate": 50, "pitch_tracker": extractor.tracker, "refine_f0": False}
    other = FeatureExtractor(16000, **{**ours, **settings})
    odd = prepare_dataset(melodies, tmp_path / "c", extractor=other, validation_share=0)
    with pytest.raises(UserError, match=message):
        training_batches([*datasets, odd], **SIZES)
