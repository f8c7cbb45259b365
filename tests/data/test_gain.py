"""Clips made louder and softer: audio and levels together, pitch as it was."""

import numpy as np
import pytest

from ddsp_tf.data.pipeline import training_batches
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.features.loudness import FLOOR_DB

SIZES = {"clip_frames": 50, "batch_size": 8, "seed": 3}


@pytest.fixture
def dataset(record, extractor, tmp_path):
    """Two recordings, one of them shorter than a clip, so that it ends in silence."""
    paths = [record("a.wav", 9.0), record("b.wav", 0.7)]
    return prepare_dataset(paths, tmp_path / "d", extractor=extractor, validation_share=0)


def joined(dataset, count, **settings):
    batches = training_batches(dataset, **SIZES, with_sources=True, **settings)
    batches = [
        {"audio": audio, **features, **about}
        for features, audio, about in batches.take(count).as_numpy_iterator()
    ]
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def gains_db(plain, changed):
    power = [
        np.mean(np.square(clips["audio"], dtype=np.float64), axis=1) for clips in (changed, plain)
    ]
    return 10.0 * np.log10(power[0] / power[1])


def test_audio_and_levels_move_together_and_pitch_stays(dataset):
    plain, changed = joined(dataset, 30), joined(dataset, 30, gain_db=6.0)
    gain_db = gains_db(plain, changed)
    assert np.abs(gain_db).max() <= 6.0 and gain_db.max() > 5.0 and gain_db.min() < -5.0
    assert abs(gain_db.mean()) < 1.0
    for name in ("loudness_db", "power_db"):
        loud = plain[name] > FLOOR_DB + 6.0
        moved = np.where(loud, plain[name] + gain_db[:, None], changed[name])
        np.testing.assert_allclose(changed[name], moved, atol=1e-3)
        assert np.all(changed[name][plain[name] == FLOOR_DB] == FLOOR_DB)
        assert np.any(plain[name] == FLOOR_DB)
    for name in ("f0_hz", "f0_confidence", "source", "start_frame"):
        np.testing.assert_array_equal(changed[name], plain[name])


def test_a_gain_depends_on_seed_and_number_alone(dataset):
    whole = joined(dataset, 12, gain_db=6.0)
    later = joined(dataset, 4, gain_db=6.0, first_step=8)
    np.testing.assert_array_equal(later["audio"], whole["audio"][64:])
    # Not the same from one passage through the recordings to the next.
    gain_db = gains_db(joined(dataset, 12), whole)
    assert np.unique(gain_db.round(3)).size == gain_db.size
