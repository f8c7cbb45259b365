"""Where a pitched sound begins and ends, and the confidence of its pitch."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SHORTEST_SECONDS = 0.010
NEIGHBOUR_SHARE = 0.01
# Reach of an analysis window: half its length, by the lowest pitch that it is used for.
_REACHES = ((60.0, 0.02), (30.0, 0.04), (0.0, 0.08))
DROP_DB = 50.0
RECOVERY_DB_PER_SECOND = 8.0
DROP_WIDTH_DB = 6.0
_MAINS_HZ = (50.0, 60.0, 100.0, 120.0, 150.0, 180.0)
_MAINS_CENTS = 15.0
# Level below the peak of the recording.
_HUM_DB = -25.0
_HUM_WIDTH_DB = 3.0
_LEAST_HUM_SECONDS = 0.2
# The smallest share of possible hum that has the level of the hum; the smallest share of frames at
# that level that are possible hum; and the largest share of all frames that are softer.
_LEAST_STEADY, _LEAST_LIKELY, _MOST_SOFTER = 0.7, 0.15, 0.1
# Noise repeats two or three times by chance; the shortest notes of seven real instruments last ten
# periods. Frames 10 ms apart that differ by more than three semitones belong to two sounds.
_LEAST_PERIODS = 4.0
_LARGEST_STEP = 3.0 / 12.0
# Share of frames with the correct pitch, by strength: measured on the synthetic signals of
# benchmarks/pitch_cases.py with white noise at 10 to -15 dB.
STRENGTHS = (0.0, 0.15, 0.25, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.70, 0.80, 0.90, 1.0)
CONFIDENCES = (0.0, 0.03, 0.12, 0.24, 0.38, 0.52, 0.68, 0.78, 0.85, 0.94, 0.98, 0.995, 1.0)


def presence(power: np.ndarray, pitch_hz: np.ndarray, frame_rate: float) -> np.ndarray:
    """Estimates in which frames the sound in the windows around them is present.

    A window of several periods contains a note before it begins and after it ends. In such frames,
    the power of the frame itself is far below that of its neighbours. A sound that has fallen by 50
    dB has ended as well, unless the fall took more than a few seconds.

    Args:
        power: Mean square around each frame, from `local_power` [frames].
        pitch_hz: Pitch [frames].
        frame_rate: Frames per second.

    Returns:
        0..1 [frames]; at least 0.5 where the sound is present.

    Example:
        >>> there = presence(np.repeat([0.5, 0.0], 50), np.full(100, 220.0), frame_rate=100)
        >>> bool((there[:50] > 0.9).all()), bool((there[50:] < 0.1).all())
        (True, True)
    """
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


def hum(pitch_hz: np.ndarray, power: np.ndarray, frame_rate: float) -> np.ndarray:
    """Finds the frames in which nothing but mains hum sounds.

    Hum has the pitch of the mains, is soft and constant, and hardly anything in the recording is
    softer, since hum is present under all other sound. Tuned to A = 440 Hz, no note lies within 25
    cents of the pitches of mains hum.

    Args:
        pitch_hz: Pitch [frames].
        power: Mean square around each frame, of sound that peaks at 1 [frames].
        frame_rate: Frames per second.

    Returns:
        Boolean [frames].

    Example:
        >>> pitch_hz = np.repeat([220.0, 50.0, 330.0], 50)
        >>> found = hum(pitch_hz, np.repeat([0.1, 1e-5, 0.1], 50), 100)
        >>> int(found.sum()), bool(found[75])
        (50, True)
    """
    level = 10.0 * np.log10(power + 1e-14)
    cents = 1200.0 * np.log2(np.maximum(pitch_hz, 1.0)[:, None] / np.array(_MAINS_HZ))
    likely = (np.abs(cents).min(axis=1) < _MAINS_CENTS) & (level < _HUM_DB)
    if likely.sum() < _LEAST_HUM_SECONDS * frame_rate:
        return np.zeros(likely.shape, bool)
    typical = np.median(level[likely])
    constant = np.mean(np.abs(level[likely] - typical) < _HUM_WIDTH_DB) >= _LEAST_STEADY
    softest = np.mean(level < typical - _HUM_WIDTH_DB) <= _MOST_SOFTER
    # Near a note, the mixture of both may have another pitch.
    found = level < typical + _HUM_WIDTH_DB
    return found & (constant and softest and np.mean(likely[found]) >= _LEAST_LIKELY)


def brief(pitch_hz: np.ndarray, voiced: np.ndarray, frame_rate: float) -> np.ndarray:
    """Finds the frames whose pitch lasts too briefly to be one.

    Args:
        pitch_hz: Pitch in Hz, including frames between sounds [frames].
        voiced: Mask of the frames that seem to have a pitched sound, boolean [frames].
        frame_rate: Frames per second.

    Returns:
        Boolean [frames]: whether the pitch around the frame lasts for less than four periods.

    Example:
        >>> pitch_hz = np.repeat([40.0, 400.0], 50)
        >>> voiced = np.isin(np.arange(100), [20, 21, 22, 70, 71, 72])
        >>> found = brief(pitch_hz, voiced, frame_rate=100)
        >>> bool(found[21]), bool(found[71])
        (True, False)
    """
    steps = np.abs(np.diff(np.log2(np.maximum(pitch_hz, 1.0))))
    stretch = np.concatenate([[0], np.cumsum(steps > _LARGEST_STEP)])
    periods = np.bincount(stretch, weights=voiced * pitch_hz / frame_rate)
    return periods[stretch] < _LEAST_PERIODS


def running_sums(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums the samples and their squares from the start, for `local_power`.

    Args:
        audio: Mono [samples].

    Returns:
        Sums of all samples, and of their squares, before each sample and at the end, float64
        [samples + 1].

    Example:
        >>> [sums.tolist() for sums in running_sums(np.array([1.0, -2.0]))]
        [[0.0, 1.0, -1.0], [0.0, 1.0, 5.0]]
    """
    sums = np.zeros((2, audio.size + 1))
    np.cumsum(audio, out=sums[0, 1:])
    np.cumsum(np.square(audio, dtype=np.float64), out=sums[1, 1:])
    return sums[0], sums[1]


def local_power(
    sums: tuple[np.ndarray, np.ndarray], pitch_hz: np.ndarray, sample_rate: int, step: int
) -> np.ndarray:
    """Measures the power around every frame, over a period or 10 ms.

    A DC offset does not count: it would hide where notes end.

    Args:
        sums: Sums from `running_sums`.
        pitch_hz: Pitch [frames]; frame k is centred on sample k * step.
        sample_rate: Samples per second.
        step: Samples between two frames.

    Returns:
        Variance [frames].

    Example:
        >>> sine = np.sin(2 * np.pi * 100 / 16000 * np.arange(1600))
        >>> power = local_power(running_sums(sine + 0.3), np.full(10, 100.0), 16000, 160)
        >>> round(power[5].item(), 6)
        0.5
    """
    total, energy = sums
    samples = total.size - 1
    half = 0.5 * sample_rate * np.maximum(SHORTEST_SECONDS, 1.0 / np.maximum(pitch_hz, 20.0))
    centres = np.arange(pitch_hz.size) * step
    first = np.clip(np.round(centres - half).astype(np.int64), 0, samples)
    last = np.clip(np.round(centres + half).astype(np.int64), 0, samples)
    size = np.maximum(last - first, 1)
    mean = (total[last] - total[first]) / size
    return np.maximum((energy[last] - energy[first]) / size - mean**2, 0.0)


def confidence(strength: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Estimates the probability that the pitch found in a frame is correct.

    Args:
        strength: Share of the sound that repeats after its period, 0..1 [frames].
        present: Presence of the sound, from `presence` [frames].

    Returns:
        0..1 [frames]. From 0.5 on a frame is voiced.

    Example:
        >>> confidence(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0])).tolist()
        [0.0, 1.0, 0.0]
    """
    return np.interp(strength * present, STRENGTHS, CONFIDENCES)
