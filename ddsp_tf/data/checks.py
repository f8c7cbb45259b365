"""Cheap measures that tell recordings a model cannot learn from, or will learn badly from."""

from collections.abc import Callable

import numpy as np

from ddsp_tf.features.pitch import VOICED_CONFIDENCE

CLIPPED_SHARE = 1e-4
SILENT_SHARE = 0.5
VOICED_SHARE = 0.7
UNPERIODIC_SHARE = 0.2
MONO_LOSS_DB = 6.0
_PERIODIC = 0.8
_FRAMES_LOOKED_AT = 400
_WINDOW_SECONDS = 0.064
_SMOOTHED_ABOVE_HZ = 4000


def voicing(features: dict[str, np.ndarray], silence_db: float) -> dict[str, float]:
    """Measures how much of a recording sounds and how much of that has pitch.

    Args:
        features: Of all its frames.
        silence_db: Frames with a lower `power_db` are silent.

    Returns:
        `silent_share`, `voiced_share`, `confidence`, `f0_low_hz` and `f0_high_hz`, as
        `ddsp_tf.data.manifest.Recording` defines them.
    """
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


def unperiodic_share(
    read: Callable[[int, int], np.ndarray],
    features: dict[str, np.ndarray],
    sample_rate: int,
    hop: int,
    silence_db: float,
) -> float:
    """Measures how much of what has a pitch does not repeat with that pitch's period.

    One voice repeats; of several notes at once, a tracker follows one, and the others do not
    repeat with it. (A fifth, an octave and their like do, and pass.) Up to 400 voiced frames are
    looked at, evenly spread: the correlation of 64 ms of sound, smoothed to weaken breath noise,
    with itself one period later, should be 0.8 or more.

    Args:
        read: Gives samples by first sample and count.
        features: Of all frames.
        sample_rate: In Hz.
        hop: Samples between two frames.
        silence_db: Frames with a lower `power_db` are passed over.

    Returns:
        Share of the frames looked at that do not repeat, 0..1; 0 if there are none.
    """
    voiced = np.flatnonzero(
        (features["power_db"] >= silence_db)
        & (features["f0_confidence"] >= VOICED_CONFIDENCE)
        & (features["f0_hz"] > 0)
    )
    if not voiced.size:
        return 0.0
    count = min(voiced.size, _FRAMES_LOOKED_AT)
    frames = voiced[np.linspace(0, voiced.size - 1, count).round().astype(np.int64)]
    window = round(_WINDOW_SECONDS * sample_rate)
    smoothing = max(1, sample_rate // _SMOOTHED_ABOVE_HZ)
    unperiodic = 0
    for frame in frames:
        lag = max(1, round(sample_rate / float(features["f0_hz"][frame])))
        size = window + lag + smoothing
        sound = read(max(0, int(frame) * hop - size // 2), size).astype(np.float64)
        sound = np.convolve(sound, np.full(smoothing, 1.0 / smoothing), "valid")
        similar = max(_correlation(sound, abs(lag + change)) for change in (-1, 0, 1))
        unperiodic += similar < _PERIODIC
    return round(unperiodic / count, 4)


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
    unperiodic_share: float,
    mono_loss_db: float,
) -> tuple[str, ...]:
    """Says what looks wrong with a recording.

    Args:
        clipped_share: See `ddsp_tf.data.manifest.Recording`, like all others.
        silent_share: See there.
        voiced_share: See there.
        unperiodic_share: See there.
        mono_loss_db: See there.

    Returns:
        A sentence with numbers for each thing, or none.

    Example:
        >>> flags(clipped_share=0.01, silent_share=0, voiced_share=0.9, unperiodic_share=0,
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
            f"mostly silent: {silent_share:.0%} of the frames; cut the pauses, or prepare with "
            "silence skipped"
        )
    if voiced_share < VOICED_SHARE:
        found.append(
            f"hardly voiced: {voiced_share:.0%} of the frames that sound have a pitch; noise, "
            "drums, speech, or several notes at once?"
        )
    if unperiodic_share > UNPERIODIC_SHARE:
        found.append(
            f"looks polyphonic: {unperiodic_share:.0%} of the frames do not repeat with their "
            "pitch; several notes at once, or much noise?"
        )
    if mono_loss_db > MONO_LOSS_DB:
        found.append(
            f"channels cancel: their mean is {mono_loss_db:.1f} dB quieter than they are; export "
            "one channel alone"
        )
    return tuple(found)
