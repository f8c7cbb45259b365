"""Clips made louder and softer: audio and levels together, pitch as it was."""

import numpy as np

from ddsp_tf.features.loudness import FLOOR_DB


def gains_db(plain, changed):
    power = [
        np.mean(np.square(clips["audio"], dtype=np.float64), axis=1) for clips in (changed, plain)
    ]
    return 10.0 * np.log10(power[0] / power[1])


def test_audio_and_levels_move_together_and_pitch_stays(short_and_long, joined):
    plain, changed = joined(short_and_long, 30), joined(short_and_long, 30, gain_db=6.0)
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


def test_a_gain_depends_on_seed_and_number_alone(short_and_long, joined):
    whole = joined(short_and_long, 12, gain_db=6.0)
    later = joined(short_and_long, 4, gain_db=6.0, first_step=8)
    np.testing.assert_array_equal(later["audio"], whole["audio"][64:])
    # Not the same from one passage through the recordings to the next.
    gain_db = gains_db(joined(short_and_long, 12), whole)
    assert np.unique(gain_db.round(3)).size == gain_db.size
