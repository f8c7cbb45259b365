"""Cheap measures that detect recordings from which a model learns little or nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ddsp_tf.features.auto_tracker import AutoTracker
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import VOICED_CONFIDENCE

CLIPPED_SHARE = 1e-4
SILENT_SHARE = 0.5
VOICED_SHARE = 0.7
APERIODIC_SHARE = 0.2
MONO_LOSS_DB = 6.0
_PERIODIC = 0.8
_FRAMES_EXAMINED = 400
_WINDOW_SECONDS = 0.064
# Sound read at a time: opening a file for every frame would take longer than examining it.
_READ_SECONDS = 1.0
_SMOOTHED_ABOVE_HZ = 4000
# In samples. Shorter periods are grouped so that a group lasts about a whole number of samples.
_SHORT_PERIOD, _MOST_PERIODS = 16, 8
# Number of excerpts that `auto` measures, whatever the length of the recording.
_EXCERPTS, _EXCERPT_SECONDS = 8, 1.0
_CERTAIN = 0.8
_FEWEST_FRAMES = 20
_MISHEARD_SHARE = 0.1


def voicing(features: dict[str, np.ndarray], silence_db: float) -> dict[str, float]:
    """Measures the share of silent frames, and the share of the others that have a pitch."""
    sounds = features["power_db"] >= silence_db
    voiced = sounds & _pitched(features)
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
    """Measures the share of the voiced frames that do not repeat with the period of their pitch.

    A single voice repeats. If several notes sound at once, a tracker follows one, and the others do
    not repeat with it (except for a fifth or an octave, which pass). Up to 400 voiced frames are
    examined, evenly spread: the correlation of 64 ms of sound, smoothed to reduce breath noise,
    with the sound one period later (a few, if periods are short) should be 0.8 or more.
    """
    voiced = np.flatnonzero((features["power_db"] >= silence_db) & _pitched(features))
    if not voiced.size:
        return 0.0
    count = min(voiced.size, _FRAMES_EXAMINED)
    frames = voiced[np.linspace(0, voiced.size - 1, count).round().astype(np.int64)]
    aperiodic, start, section = 0, 0, np.zeros(0)
    for frame in frames:
        period = sample_rate / float(features["f0_hz"][frame])
        lags = period * np.arange(1, _MOST_PERIODS + 1 if period < _SHORT_PERIOD else 2)
        lag = max(1, round(lags[np.argmin(np.abs(lags - lags.round()))]))
        smoothing = max(1, min(sample_rate // _SMOOTHED_ABOVE_HZ, int(period / 4)))
        size = round(_WINDOW_SECONDS * sample_rate) + lag + smoothing
        first = max(0, int(frame) * hop - size // 2)
        if first < start or first + size > start + section.size:
            start, section = first, read(first, max(size, round(_READ_SECONDS * sample_rate)))
        sound = section[first - start : first - start + size].astype(np.float64)
        sound = np.convolve(sound, np.full(smoothing, 1.0 / smoothing), "valid")
        similar = (_correlation(sound, abs(lag + change)) for change in (0, -1, 1))
        aperiodic += not any(value >= _PERIODIC for value in similar)
    return round(aperiodic / count, 4)


def _pitched(features: dict[str, np.ndarray]) -> np.ndarray:
    return (features["f0_confidence"] >= VOICED_CONFIDENCE) & (features["f0_hz"] > 0)


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
    """Describes what looks wrong with a recording according to the measures of `Recording`.

    Example:
        >>> flags(clipped_share=0.01, silent_share=0, voiced_share=0.9, aperiodic_share=0,
        ...       mono_loss_db=0)
        ('clipped: 1.00% of the samples are at full scale; record with more headroom',)
    """
    signs = {
        f"clipped: {clipped_share:.2%} of the samples are at full scale; record with more "
        "headroom": clipped_share > CLIPPED_SHARE,
        f"mostly silent: {silent_share:.0%} of the frames; cut the pauses, or use --silence "
        "skip": silent_share > SILENT_SHARE,
        f"hardly voiced: {voiced_share:.0%} of the frames that sound have a pitch; noise, drums, "
        "speech, or several notes at once?": voiced_share < VOICED_SHARE,
        f"looks polyphonic: {aperiodic_share:.0%} of the frames do not repeat with their pitch; "
        "several notes at once, or much noise?": aperiodic_share > APERIODIC_SHARE,
        f"channels cancel: their mean is {mono_loss_db:.1f} dB quieter than they are; use one of "
        "them: --channel left": mono_loss_db > MONO_LOSS_DB,
    }
    return tuple(text for text, found in signs.items() if found)


def misheard(
    read: Callable[[int, int], np.ndarray],
    samples: int,
    features: dict[str, np.ndarray],
    extractor: FeatureExtractor,
) -> tuple[str, ...]:
    """Compares the pitch of another tracker with that of `auto`, in excerpts.

    For a pitch outside its range, a tracker finds nothing or, worse, another pitch.
    """
    name, hop, rate = extractor.tracker.name, extractor.hop, extractor.frame_rate
    if name == AutoTracker.name:
        return ()
    frames, size = samples // hop, round(_EXCERPT_SECONDS * rate)
    starts = np.linspace(0, max(frames - size, 0), _EXCERPTS).astype(np.int64)
    found_hz, given_hz = [np.zeros(0)], [np.zeros(0)]
    for first in np.unique(starts):
        last = min(first + size, frames)
        sound = read(int(first) * hop, int(last - first) * hop)
        f0_hz, confidence = AutoTracker().track(sound, extractor.sample_rate, hop)
        plain = np.flatnonzero(confidence >= _CERTAIN)
        voiced = features["f0_confidence"][first:last] >= VOICED_CONFIDENCE
        found_hz.append(f0_hz[plain])
        given_hz.append(np.where(voiced, features["f0_hz"][first:last], 0.0)[plain])
    found, given = np.concatenate(found_hz), np.concatenate(given_hz)
    wrong = np.abs(np.log2(np.maximum(given, 1.0) / found)) > 1.0 / 24.0
    if wrong.sum() <= _MISHEARD_SHARE * found.size or found.size < _FEWEST_FRAMES:
        return ()
    return (
        f"misheard: in {wrong.mean():.0%} of the frames with a clear pitch (at "
        f"{np.median(found[wrong]):.0f} Hz) {name} finds none or another; leave "
        "FeatureExtractor.pitch_tracker at its default, 'auto'",
    )
