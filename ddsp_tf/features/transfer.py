"""Adaptation of curves to another instrument: notes, octave, level, intonation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ddsp_tf.errors import UserError, check_number
from ddsp_tf.features.curve_input import LEVELS, checked_curves
from ddsp_tf.features.intonation import correct_pitch
from ddsp_tf.features.notes import find_notes, silence_pauses
from ddsp_tf.units import hz_to_midi

# A melody of nearly constant level has no distribution to adapt.
_STEADY_DB = 0.5
_MOST_GAIN_DB = 60.0
_MOST_OCTAVES = 10
_LEAST_GATE_DB = 1e-3
_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Transfer:
    """Result of `transfer_curves`.

    Attributes:
        curves: New curves by name, [frames] each.
        notes: Mask of the frames that belong to notes, bool [frames].
        octaves: Octaves by which the pitch was moved.
        level_change_db: Mean change of level over the notes.
    """

    curves: dict[str, np.ndarray]
    notes: np.ndarray
    octaves: int
    level_change_db: float


def transfer_curves(
    curves: Mapping[str, np.ndarray],
    frame_rate: float,
    ranges: Mapping[str, dict],
    octaves: int | None = None,
    pitch_correction: float = 0.0,
    louder_db: float = 0.0,
    gate_db: float = 45.0,
) -> Transfer:
    """Adapts measured curves to a model's training data.

    Pauses become silent, notes move by whole octaves towards the pitch of the training data, levels
    get their distribution from it, and pitch is corrected if requested.

    Args:
        curves: Dictionary of [frames] arrays: "f0_hz", a level ("loudness_db" or "power_db", in dB,
            or both), and optionally "f0_confidence" (0..1). Other curves are not changed.
        frame_rate: Frames per second.
        ranges: Statistics of the training data, from `dataset_statistics`.
        octaves: Octaves by which the pitch moves; None to choose.
        pitch_correction: Amount of pitch correction, 0 (as played) to 1 (each note in tune).
        louder_db: Gain of the notes in dB after the adaptation, -60 to 60; negative for softer.
        gate_db: Threshold of notes in dB below the loud parts, above 0; softer sound becomes
            silent.

    Returns:
        `Transfer`. If there are no notes, everything is silent, and the pitch does not move.

    Raises:
        UserError: If a curve is missing, not [frames] or different from f0_hz in length, or a
            number is out of range.

    Example:
        >>> curves = {"f0_hz": np.full(100, 110.0), "loudness_db": np.full(100, -30.0)}
        >>> ranges = {"f0_midi": {"mean": 69.0},
        ...           "loudness_db": {"min": -40.0, "p5": -30.0, "p95": -10.0, "max": -5.0}}
        >>> fitted = transfer_curves(curves, 100, ranges)
        >>> fitted.octaves, float(fitted.curves["f0_hz"][50])
        (2, 440.0)
    """
    check_number("pitch_correction", pitch_correction, 0.0, 1.0)
    check_number("gate_db", gate_db, _LEAST_GATE_DB)
    check_number("louder_db", louder_db, -_MOST_GAIN_DB, _MOST_GAIN_DB)
    check_number("frame_rate", frame_rate, 1.0, 1e5)
    if octaves is not None:
        check_number("octaves", octaves, -_MOST_OCTAVES, _MOST_OCTAVES, whole=True)
    curves = checked_curves(curves)
    if "f0_midi" not in ranges:
        raise UserError("ranges lack 'f0_midi'; expected those of `load_ranges`")
    f0_hz = curves["f0_hz"]
    levels = [name for name in LEVELS if name in curves]
    notes = find_notes(f0_hz, curves[levels[0]], frame_rate, curves.get("f0_confidence"), gate_db)
    change = 0.0
    if notes.any():
        if octaves is None:
            octaves = best_octave(f0_hz[notes], ranges["f0_midi"])
        f0_hz = f0_hz * np.float32(2.0**octaves)
        curves["f0_hz"] = correct_pitch(f0_hz, notes, frame_rate, pitch_correction)
        before = curves[levels[0]]
        for name in levels:
            if name in ranges:
                curves[name] = match_levels(curves[name], notes, level_quantiles(ranges, name))
            curves[name] = curves[name] + np.float32(louder_db)
        change = float((curves[levels[0]] - before)[notes].mean())
    for name in levels:
        curves[name] = silence_pauses(curves[name], notes, frame_rate)
    return Transfer(curves, notes, octaves or 0, change)


def best_octave(f0_hz: np.ndarray, f0_midi: Mapping[str, float]) -> int:
    """Chooses the octaves that bring notes closest to the training data's mean pitch.

    Args:
        f0_hz: Pitches of notes in Hz, above 0 [n].
        f0_midi: Statistics of the training data's pitch: "mean" as a MIDI number.

    Returns:
        Octaves to transpose by, negative for down.

    Example:
        >>> best_octave(np.array([1760.0]), {"mean": 67.0})
        -2
    """
    return round(float((f0_midi["mean"] - np.mean(np.asarray(hz_to_midi(f0_hz)))) / 12.0))


def level_quantiles(ranges: Mapping[str, dict], name: str) -> dict[float, float]:
    """Returns quantiles of the training data's levels.

    Args:
        ranges: Statistics of the training data, from `dataset_statistics`.
        name: Name of the level, "loudness_db" or "power_db".

    Returns:
        Dictionary from the share to the level in dB: five quantiles from a histogram if there is
        one, otherwise those of 5 and 95 %.

    Example:
        >>> level_quantiles({"power_db": {"p5": -40.0, "p95": -10.0}}, "power_db")
        {0.05: -40.0, 0.95: -10.0}
    """
    histogram = ranges.get("histograms", {}).get(name)
    if histogram is None:
        return {0.05: ranges[name]["p5"], 0.95: ranges[name]["p95"]}
    counts = np.array(histogram["counts"], np.float64)
    # Bin k counts the levels that round to first + k.
    edges = histogram["first"] - 0.5 + np.arange(len(counts) + 1)
    below = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    return {share: float(np.interp(share, below, edges)) for share in _SHARES}


def match_levels(
    level_db: np.ndarray, notes: np.ndarray, wanted: Mapping[float, float]
) -> np.ndarray:
    """Maps the levels of notes to another distribution.

    Quantiles move to the given ones; levels between two quantiles are interpolated, and levels
    beyond the outermost move as far as these. The order of levels is kept.

    Args:
        level_db: Levels in dB [frames].
        notes: Mask of the frames that belong to notes, bool [frames], at least one of them true.
        wanted: Quantiles from `level_quantiles`.

    Returns:
        float32 [frames].

    Example:
        >>> level_db = np.linspace(-60.0, -40.0, 101)
        >>> wanted = {0.05: -30.0, 0.95: -12.0}
        >>> match_levels(level_db, np.ones(101, bool), wanted)[[0, 5, 50, 95]].tolist()
        [-31.0, -30.0, -21.0, -12.0]
    """
    source = np.quantile(level_db[notes].astype(np.float64), list(wanted))
    target = np.array(list(wanted.values()))
    if source[-1] - source[0] < _STEADY_DB:
        change = float(np.median(target) - np.median(source))
    else:
        change = np.interp(level_db, source, target - source)
    return (level_db + change).astype(np.float32)
