"""Cheap measures of recordings that a model cannot learn from, or will learn badly from."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import VOICED_CONFIDENCE, pitch_tracker
from ddsp_tf.features.pitch_range import range_advice

CLIPPED_SHARE = 1e-4
SILENT_SHARE = 0.5
VOICED_SHARE = 0.7
APERIODIC_SHARE = 0.2
MONO_LOSS_DB = 6.0
_PERIODIC = 0.8
_FRAMES_EXAMINED = 400
_WINDOW_SECONDS = 0.064
_SMOOTHED_ABOVE_HZ = 4000
# What another tracker listens to, of recordings of any length.
_EXCERPTS, _EXCERPT_SECONDS = 16, 0.4
_CERTAIN = 0.9
_HEARD_MORE = 0.2


def voicing(features: dict[str, np.ndarray], silence_db: float) -> dict[str, float]:
    """Measures how much of a recording sounds and how much of that has a pitch."""
    sounds = features["power_db"] >= silence_db
    voiced = sounds & (features["f0_confidence"] >= VOICED_CONFIDENCE) & (features["f0_hz"] > 0)
    low, high = np.percentile(features["f0_hz"][voiced], (5, 95)) if voiced.any() else (0.0, 0.0)
    confidence = np.median(features["f0_confidence"][sounds]) if sounds.any() else 0.0
    return {
        "silent_share": round(float(1.0 - sounds.mean()), 4),
        "voiced_share": round(float(voiced.sum() / max(sounds.sum(), 1)), 4),
        "confidence": round(float(confidence), 4),
        "f0_low_hz": round(float(low), 2),
        "f0_high_hz": round(float(high), 2),
    }


def aperiodic_share(
    read: Callable[[int, int], np.ndarray],
    features: dict[str, np.ndarray],
    sample_rate: int,
    hop: int,
    silence_db: float,
) -> float:
    """Measures how much of what has a pitch does not repeat with that pitch's period.

    One voice repeats. Of several notes at once a tracker follows one, and the others do not repeat
    with it. (A fifth or an octave does, and passes.) Up to 400 voiced frames are examined, evenly
    spread: the correlation of 64 ms of sound, smoothed to weaken breath noise, with itself one
    period later should be 0.8 or more.
    """
    voiced = np.flatnonzero(
        (features["power_db"] >= silence_db)
        & (features["f0_confidence"] >= VOICED_CONFIDENCE)
        & (features["f0_hz"] > 0)
    )
    if not voiced.size:
        return 0.0
    count = min(voiced.size, _FRAMES_EXAMINED)
    frames = voiced[np.linspace(0, voiced.size - 1, count).round().astype(np.int64)]
    window = round(_WINDOW_SECONDS * sample_rate)
    smoothing = max(1, sample_rate // _SMOOTHED_ABOVE_HZ)
    aperiodic = 0
    for frame in frames:
        lag = max(1, round(sample_rate / float(features["f0_hz"][frame])))
        size = window + lag + smoothing
        sound = read(max(0, int(frame) * hop - size // 2), size).astype(np.float64)
        sound = np.convolve(sound, np.full(smoothing, 1.0 / smoothing), "valid")
        similar = max(_correlation(sound, abs(lag + change)) for change in (-1, 0, 1))
        aperiodic += similar < _PERIODIC
    return round(aperiodic / count, 4)


def _correlation(sound: np.ndarray, lag: int) -> float:
    if sound.size <= 2 * lag or lag < 1:
        return 0.0
    early, late = sound[:-lag], sound[lag:]
    energy = float((early @ early) * (late @ late))
    return float(early @ late) / np.sqrt(energy) if energy > 0.0 else 0.0


def flags(
    *,
    clipped_share: float,
    silent_share: float,
    voiced_share: float,
    aperiodic_share: float,
    mono_loss_db: float,
    **_: Any,
) -> tuple[str, ...]:
    """Describes what looks wrong with a recording, by the measures of `Recording`.

    Example:
        >>> flags(clipped_share=0.01, silent_share=0, voiced_share=0.9, aperiodic_share=0,
        ...       mono_loss_db=0)
        ('clipped: 1.00% of the samples are at full scale; record with more headroom',)
    """
    found = []
    if clipped_share > CLIPPED_SHARE:
        found.append(
            f"clipped: {clipped_share:.2%} of the samples are at full scale; record with more "
            "headroom"
        )
    if silent_share > SILENT_SHARE:
        found.append(
            f"mostly silent: {silent_share:.0%} of the frames; cut the pauses, or use --silence "
            "skip"
        )
    if voiced_share < VOICED_SHARE:
        found.append(
            f"hardly voiced: {voiced_share:.0%} of the frames that sound have a pitch; noise, "
            "drums, speech, or several notes at once?"
        )
    if aperiodic_share > APERIODIC_SHARE:
        found.append(
            f"looks polyphonic: {aperiodic_share:.0%} of the frames do not repeat with their "
            "pitch; several notes at once, or much noise?"
        )
    if mono_loss_db > MONO_LOSS_DB:
        found.append(
            f"channels cancel: their mean is {mono_loss_db:.1f} dB quieter than they are; use one "
            "of them: --channel left"
        )
    return tuple(found)


def advice(
    read: Callable[[int, int], np.ndarray],
    samples: int,
    features: dict[str, np.ndarray],
    extractor: FeatureExtractor,
    numbers: dict[str, Any],
    silence_db: float,
) -> tuple[str, ...]:
    """Asks YIN about a recording of which the tracker hears little, or what it may mishear.

    A pitch that is too low for a tracker is answered by an overtone, whose period is not the
    sound's; one that is too high by nothing, or by a half or a third of it.
    """
    tracker = extractor.tracker
    lowest_hz, highest_hz = tracker.range_hz
    doubtful = (
        numbers["voiced_share"] < 0.9
        or numbers["aperiodic_share"] > 0.05
        or numbers["f0_low_hz"] < 2.0 * lowest_hz
        or numbers["f0_high_hz"] > highest_hz / 3.0
    )
    if not doubtful or (lowest_hz, highest_hz) == (0.0, math.inf):
        return ()
    hop = extractor.hop
    size = max(1, round(_EXCERPT_SECONDS * extractor.frame_rate))
    frames = samples // hop
    firsts = np.linspace(0, frames - size, _EXCERPTS).astype(np.int64)
    if frames <= _EXCERPTS * size:
        firsts, size = np.zeros(1, np.int64), frames
    sound = np.concatenate([read(int(first) * hop, size * hop) for first in firsts])
    outside = range_advice(sound, extractor.sample_rate, tracker)
    if outside:
        return (f"out of range: {outside}",)
    if tracker.name == "yin" or numbers["voiced_share"] >= VOICED_SHARE:
        return ()
    places = (firsts[:, None] + np.arange(size)).ravel()
    sounds = features["power_db"][places] >= silence_db
    if not sounds.any():
        return ()
    confidence = pitch_tracker("yin").track(sound, extractor.sample_rate, hop)[1]
    by_yin = np.mean(confidence[sounds] >= _CERTAIN)
    by_tracker = np.mean(features["f0_confidence"][places][sounds] >= VOICED_CONFIDENCE)
    if by_yin < by_tracker + _HEARD_MORE:
        return ()
    return (
        f"another tracker hears more: yin finds a pitch in {by_yin:.0%} of the frames that sound, "
        f"{tracker.name} in {by_tracker:.0%}; use --set \"FeatureExtractor.pitch_tracker='yin'\"",
    )
