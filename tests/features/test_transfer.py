"""A flute's curves are fitted to what a tuba's model was trained on."""

import numpy as np
import pytest
from tolerance import assert_close

from ddsp_tf.errors import UserError
from ddsp_tf.features.transfer import (
    best_octave,
    level_quantiles,
    match_levels,
    transfer_curves,
)
from ddsp_tf.units import midi_to_hz

RATE = 100
RANGES = {
    "f0_midi": {"mean": 45.0},
    "loudness_db": {"min": -50.0, "p5": -40.0, "mean": -25.0, "p95": -12.0, "max": -8.0},
    "histograms": {"loudness_db": {"first": -40, "counts": [10, 20, 40, 20, 10]}},
}


def flute(rng, n=400):
    level = rng.normal(-50.0, 4.0, n)
    confidence = np.ones(n)
    level[150:250], confidence[150:250] = -65.0, 0.1
    return {
        "f0_hz": np.asarray(midi_to_hz(rng.normal(80.0, 2.0, n))),
        "loudness_db": level,
        "f0_confidence": confidence,
    }


def test_pitch_and_level_arrive_in_the_models_range(rng):
    played = flute(rng)
    fitted = transfer_curves(played, RATE, RANGES)
    assert fitted.octaves == -3
    assert_close(fitted.curves["f0_hz"], played["f0_hz"] / 8)
    for share, level in level_quantiles(RANGES, "loudness_db").items():
        found = np.quantile(fitted.curves["loudness_db"][fitted.notes], share)
        assert found == pytest.approx(level, abs=0.05)
    assert (fitted.curves["loudness_db"][155:245] == -80.0).all()
    assert fitted.notes.sum() == 300
    np.testing.assert_array_equal(
        fitted.curves["f0_confidence"], np.float32(played["f0_confidence"])
    )


def test_the_given_octave_is_taken(rng):
    played = flute(rng)
    fitted = transfer_curves(played, RATE, RANGES, octaves=1)
    assert_close(fitted.curves["f0_hz"], 2 * played["f0_hz"])


def test_louder_raises_notes_and_leaves_pauses_silent(rng):
    played = flute(rng)
    fitted = transfer_curves(played, RATE, RANGES)
    louder = transfer_curves(played, RATE, RANGES, louder_db=6.0)
    change = louder.curves["loudness_db"] - fitted.curves["loudness_db"]
    assert_close(change[fitted.notes], 6.0, peak=80.0)
    assert (louder.curves["loudness_db"][155:245] == -80.0).all()
    assert louder.level_change_db == pytest.approx(fitted.level_change_db + 6.0, abs=1e-4)


def test_the_gate_silences_what_is_softer(rng):
    played = flute(rng)
    played["loudness_db"][300:] -= 15.0
    fitted = transfer_curves(played, RATE, RANGES)
    gated = transfer_curves(played, RATE, RANGES, gate_db=10.0)
    assert fitted.notes[310:].mean() > 0.9 and gated.notes[310:].mean() < 0.1
    assert gated.curves["loudness_db"][310:].mean() < -75.0


@pytest.mark.parametrize("gate_db", [0.0, -3.0, np.nan])
def test_a_gate_above_everything_is_refused(rng, gate_db):
    with pytest.raises(UserError, match="gate_db is"):
        transfer_curves(flute(rng), RATE, RANGES, gate_db=gate_db)


def test_louder_stays_louder(rng):
    level = rng.normal(-30.0, 10.0, 500)
    matched = match_levels(level, np.ones(500, bool), level_quantiles(RANGES, "loudness_db"))
    order = np.argsort(level)
    assert (np.diff(matched[order]) > 0).all()


def test_quantiles_of_a_histogram_are_those_of_its_numbers(rng):
    levels = rng.normal(-20.0, 6.0, 100_000)
    whole = np.round(levels).astype(int)
    counts = np.bincount(whole - whole.min())
    ranges = {"histograms": {"power_db": {"first": int(whole.min()), "counts": counts.tolist()}}}
    for share, level in level_quantiles(ranges, "power_db").items():
        assert level == pytest.approx(np.quantile(levels, share), abs=0.1)


def test_a_steady_level_moves_to_the_middle():
    matched = match_levels(np.full(50, -60.0), np.ones(50, bool), {0.05: -30.0, 0.95: -10.0})
    np.testing.assert_allclose(matched, -20.0)


@pytest.mark.parametrize(("midi", "octaves"), [(69, -2), (45, 0), (50, 0), (52, -1), (20, 2)])
def test_octaves_bring_pitch_nearest(midi, octaves):
    assert (
        best_octave(np.asarray(midi_to_hz(np.full(9, float(midi)))), RANGES["f0_midi"]) == octaves
    )


def test_silence_stays_silent():
    silent = {"f0_hz": np.zeros(50), "loudness_db": np.full(50, -80.0)}
    fitted = transfer_curves(silent, RATE, RANGES)
    assert fitted.octaves == 0 and not fitted.notes.any()
    assert (fitted.curves["loudness_db"] == -80.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f0_hz": None}, "lack 'f0_hz'; found loudness_db"),
        ({"loudness_db": None}, "lack 'loudness_db'"),
        ({"loudness_db": np.zeros(3)}, r"loudness_db has the shape \[3\], f0_hz \["),
        ({"f0_hz": np.zeros((1, 3))}, r"f0_hz has the shape \[1, 3\]"),
        ({"f0_hz": "high"}, "f0_hz is not an array of numbers"),
    ],
)
def test_curves_that_do_not_fit_are_named(rng, change, message):
    played = {name: flute(rng)[name] for name in ("f0_hz", "loudness_db")}
    changed = {name: curve for name, curve in {**played, **change}.items() if curve is not None}
    with pytest.raises(UserError, match=message):
        transfer_curves(changed, RATE, RANGES)


@pytest.mark.parametrize("name", ["f0_hz", "loudness_db"])
def test_frames_without_a_number_are_pauses(rng, name):
    played = {key: np.array(curve) for key, curve in flute(rng).items()}
    played[name][20:60] = np.nan
    fitted = transfer_curves(played, RATE, RANGES)
    assert not fitted.notes[20:60].any() and fitted.notes.any()
    assert all(np.isfinite(curve).all() for curve in fitted.curves.values())


@pytest.mark.parametrize("louder_db", [61.0, float("nan"), float("-inf")])
def test_a_gain_beyond_hearing_is_refused(rng, louder_db):
    with pytest.raises(UserError, match="expected a number from -60 to 60"):
        transfer_curves(flute(rng), RATE, RANGES, louder_db=louder_db)


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_impossible_corrections_are_refused(rng, amount):
    with pytest.raises(UserError, match="pitch_correction is"):
        transfer_curves(flute(rng), RATE, RANGES, pitch_correction=amount)
