"""Where a pitched sound begins and ends, and the confidence of its pitch."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SHORTEST_SECONDS = 0.010
NEIGHBOUR_SHARE = 0.01
# Reach of a window of analysis: half of it, by the lowest pitch that it is used for.
_REACHES = ((60.0, 0.02), (30.0, 0.04), (0.0, 0.08))
DROP_DB = 50.0
RECOVERY_DB_PER_SECOND = 8.0
DROP_WIDTH_DB = 6.0
# Share of frames with the correct pitch, by strength: measured on the synthetic signals of
# benchmarks/pitch_cases.py with white noise at 10 to -15 dB.
STRENGTHS = (0.0, 0.15, 0.25, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.70, 0.80, 0.90, 1.0)
CONFIDENCES = (0.0, 0.03, 0.12, 0.24, 0.38, 0.52, 0.68, 0.78, 0.85, 0.94, 0.98, 0.995, 1.0)


def presence(audio: np.ndarray, pitch_hz: np.ndarray, sample_rate: int, step: int) -> np.ndarray:
    """Tells in which frames the sound that the windows around them contain is present.

    A window of several periods contains a note before it begins and after it ends. There, the power
    of the frame itself is far below that of its neighbours. A sound that has fallen by 50 dB has
    ended as well, unless the fall took more than a few seconds.

    Args:
        audio: Mono [samples].
        pitch_hz: Pitch [frames]; frame k is about sample k * step.
        sample_rate: In Hz.
        step: Samples between two frames.

    Returns:
        0..1 [frames]; at least 0.5 where the sound is there.

    Example:
        >>> sine = np.sin(2 * np.pi * 220 / 16000 * np.arange(8000))
        >>> there = presence(np.append(sine, np.zeros(8000)), np.full(100, 220.0), 16000, 160)
        >>> bool((there[2:49] > 0.9).all()), bool((there[52:] < 0.1).all())
        (True, True)
    """
    power = local_power(audio, pitch_hz, sample_rate, step)
    frame_rate = sample_rate / step
    loudest = np.zeros_like(power)
    for lowest_hz, seconds in reversed(_REACHES):
        reach = round(seconds * frame_rate)
        around = sliding_window_view(np.pad(power, reach, mode="edge"), 2 * reach + 1)
        loudest = np.where(pitch_hz >= lowest_hz, around.max(axis=1), loudest)
    own = power / np.maximum(power + NEIGHBOUR_SHARE * loudest, 1e-20)
    level = 10.0 * np.log10(power + 1e-14)
    recovery = np.arange(level.size) * (RECOVERY_DB_PER_SECOND / frame_rate)
    fallen = np.maximum.accumulate(level + recovery) - recovery - level
    return own * np.clip((DROP_DB - fallen) / DROP_WIDTH_DB + 0.5, 0.0, 1.0)


def local_power(audio: np.ndarray, pitch_hz: np.ndarray, sample_rate: int, step: int) -> np.ndarray:
    """Measures the mean square around every frame, over a period or 10 ms.

    Args:
        audio: Mono [samples].
        pitch_hz: Pitch [frames]; frame k is centred on sample k * step.
        sample_rate: Samples per second.
        step: Samples between two frames.

    Returns:
        Mean square [frames].

    Example:
        >>> local_power(np.full(1600, 0.5), np.full(10, 100.0), 16000, 160)[5].item()
        0.25
    """
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
    half = 0.5 * sample_rate * np.maximum(SHORTEST_SECONDS, 1.0 / np.maximum(pitch_hz, 20.0))
    centres = np.arange(pitch_hz.size) * step
    first = np.clip(np.round(centres - half).astype(np.int64), 0, audio.size)
    last = np.clip(np.round(centres + half).astype(np.int64), 0, audio.size)
    return np.maximum(energy[last] - energy[first], 0.0) / np.maximum(last - first, 1)


def confidence(strength: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Estimates the probability that the pitch found in a frame is correct.

    Args:
        strength: Share of the sound that repeats after its period, 0..1 [frames].
        present: As `presence` gives it [frames].

    Returns:
        0..1 [frames]. From 0.5 on a frame is voiced.

    Example:
        >>> confidence(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0])).tolist()
        [0.0, 1.0, 0.0]
    """
    return np.interp(strength * present, STRENGTHS, CONFIDENCES)
