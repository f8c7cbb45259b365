"""The best path of pitch through time, among the candidates of every frame."""

from typing import NamedTuple

import numpy as np

from ddsp_tf.features.periodicity import STEP_CENTS, Plan

CANDIDATES = 10
FLOOR = 0.2
# Bonus for higher pitches, fitted to the same evidence. It rises most steeply for high pitches,
# which have few harmonics and a fundamental, and for the lowest, whose longer windows hide noise.
GAIN_HZ = (20.0, 60.0, 200.0, 400.0, 800.0, 6400.0)
GAINS = (0.0, 0.43, 0.64, 0.79, 1.01, 1.76)
FREE_CENTS = 60.0
COST_PER_CENT = 0.012
_JUMP_COST = 1.5
MOST_PERIODS = 8
LONGEST_LAG_HZ = 160.0
SEARCH_STEPS = 3
ABSENT = -1e3
_CHUNK_FRAMES = 256
_SMOOTHING_REACH = 5
_JUMP_CENTS = 100.0
OCTAVE_TOLERANCE = 40.0 / 1200.0


class Candidates(NamedTuple):
    """Possible pitches of some frames, all [frames, candidates].

    Attributes:
        octaves: Binary logarithm of the pitch in Hz.
        scores: Score of each by itself; higher is better.
        strengths: Share of the sound, 0..1, that repeats after one period and still does after as
            many periods as fit into 6 ms (eight at most), which narrow-band noise does not.
    """

    octaves: np.ndarray
    scores: np.ndarray
    strengths: np.ndarray


def find_candidates(strength: np.ndarray, plan: Plan) -> Candidates:
    """Finds the most likely pitches of every frame.

    Candidates are the maxima of the periodicity. Each is scored by the logarithm of the share that
    does not repeat, which separates an octave that explains all of the sound from one that explains
    most of it, and by its pitch: the higher one is preferred, since whatever repeats after one
    period also repeats after two.

    Args:
        strength: Periodicity from `periodicity` [frames, pitches].
        plan: Plan with these pitches.

    Returns:
        Ten candidates per frame; if there are fewer maxima, the others score -1000.

    Example:
        >>> from ddsp_tf.features.periodicity import periodicity, periodicity_plan
        >>> plan = periodicity_plan(100.0, 400.0)
        >>> sine = np.sin(2 * np.pi * 200 / 16000 * np.arange(8000)).astype(np.float32)
        >>> found = find_candidates(next(periodicity(sine, 160, plan)), plan)
        >>> best = found.scores[25].argmax()
        >>> round(float(2 ** found.octaves[25, best]))
        200
    """
    left, middle, right = strength[:, :-2], strength[:, 1:-1], strength[:, 2:]
    rows, columns = np.nonzero((middle >= left) & (middle > right) & (middle > 0.0))
    shift, height = _vertex(*(values[rows, columns] for values in (left, middle, right)))
    scores = np.interp(_octaves_at(columns + 1 + shift, plan), np.log2(GAIN_HZ), GAINS)
    scores -= np.log(np.maximum(1.0 - height, 0.0) + FLOOR)
    scores, best = _highest(scores, rows, columns, middle.shape)
    around = (np.take_along_axis(values, best, axis=1) for values in (left, middle, right))
    shift, height = _vertex(*around)
    octaves = _octaves_at(best + 1 + shift, plan)
    octaves, later = _sharpened(strength, octaves, plan)
    return Candidates(octaves, scores, np.clip(np.minimum(height, later), 0.0, 1.0))


def _highest(scores, rows, columns, shape):
    """Returns the highest scores of every row and their columns, [rows, candidates]."""
    frames, last = shape[0], shape[1] - 1
    # The maxima of each row side by side, because there are few.
    places = np.arange(rows.size) - np.searchsorted(rows, np.arange(frames))[rows]
    width = max(places.max(initial=0) + 1, CANDIDATES)
    table, found = np.full((frames, width), ABSENT), np.full((frames, width), last)
    table[rows, places], found[rows, places] = scores, columns
    best = np.argpartition(-table, CANDIDATES - 1, axis=1)[:, :CANDIDATES]
    return np.take_along_axis(table, best, axis=1), np.take_along_axis(found, best, axis=1)


def _vertex(left, middle, right):
    """Position, relative to the middle, and height of the vertex of a parabola."""
    curvature = left - 2.0 * middle + right
    bent = curvature < -1e-9
    shift = np.where(bent, 0.5 * (left - right) / np.where(bent, curvature, 1.0), 0.0)
    shift = np.clip(shift, -0.5, 0.5)
    return shift, middle - 0.25 * (left - right) * shift


def _octaves_at(positions, plan):
    return np.log2(plan.pitches_hz[0]) - positions * (STEP_CENTS / 1200)


def _sharpened(strength, octaves, plan):
    """Reads pitch more exactly from a lag of several periods; returns it and the strength there."""
    periods = np.clip(np.floor(np.exp2(octaves) / LONGEST_LAG_HZ), 1, MOST_PERIODS)
    places = (np.log2(plan.pitches_hz[0]) - octaves + np.log2(periods)) * (1200 / STEP_CENTS)
    around = np.arange(-SEARCH_STEPS, SEARCH_STEPS + 1)
    margin = SEARCH_STEPS + 1
    middle = np.clip(np.round(places).astype(np.int64), margin, strength.shape[1] - margin - 1)
    places = middle[..., None] + around
    at = np.take_along_axis(strength[:, None, :], places, axis=2)
    best = at[..., 1:-1].argmax(axis=-1)[..., None] + 1
    left, top, right = (np.take_along_axis(at, best + k, axis=-1)[..., 0] for k in (-1, 0, 1))
    place = np.take_along_axis(places, best, axis=-1)[..., 0]
    sharp = _octaves_at(place + _vertex(left, top, right)[0], plan) + np.log2(periods)
    plain = (periods == 1) | (top < left) | (top < right) | (np.abs(sharp - octaves) > 0.03)
    return np.where(plain, octaves, sharp), np.where(periods == 1, 1.0, top)


def best_path(candidates: Candidates) -> np.ndarray:
    """Finds the sequence of candidates with the highest score (Viterbi).

    Steps of up to 60 cents are free; larger steps cost more the larger they are, up to the cost of
    a jump.

    Args:
        candidates: Candidates of every frame, [frames, candidates].

    Returns:
        Index of the chosen candidate, [frames].

    Example:
        >>> octaves = np.log2([[220.0, 440.0]] * 3)
        >>> scores = np.array([[1.0, 0.0], [0.4, 0.6], [1.0, 0.0]])
        >>> best_path(Candidates(octaves, scores, scores)).tolist()
        [0, 0, 0]
    """
    octaves, scores, _ = candidates
    frames, count = scores.shape
    previous = np.zeros((frames, count), np.int8)
    total = scores[0]
    every = np.arange(count)
    for first in range(1, frames, _CHUNK_FRAMES):
        last = min(first + _CHUNK_FRAMES, frames)
        steps = np.abs(octaves[first:last, :, None] - octaves[first - 1 : last - 1, None, :])
        costs = np.maximum(1200 * steps - FREE_CENTS, 0.0) * COST_PER_CENT
        for frame, cost in enumerate(np.minimum(costs, _JUMP_COST), start=first):
            arrivals = total - cost
            previous[frame] = arrivals.argmax(axis=1)
            total = arrivals[every, previous[frame]] + scores[frame]
    path = np.zeros(frames, np.int64)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = previous[frame, path[frame]]
    return path


def octave_above(candidates: Candidates, octaves: np.ndarray) -> np.ndarray:
    """Finds the frames in which the octave above the chosen pitch is a candidate as well.

    Args:
        candidates: Candidates of every frame, [frames, candidates].
        octaves: Chosen pitch [frames].

    Returns:
        Boolean [frames].

    Example:
        >>> one = Candidates(np.log2([[220.0, 440.0]]), np.ones((1, 2)), np.ones((1, 2)))
        >>> octave_above(one, np.log2([220.0])).tolist()
        [True]
    """
    distance = np.abs(candidates.octaves - octaves[:, None] - 1.0)
    return ((distance < OCTAVE_TOLERANCE) & (candidates.scores > ABSENT)).any(axis=1)


def smoothed(octaves: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Averages pitch over neighbouring frames where it is uncertain.

    Pairs of frames at equal distances before and after are averaged, so that a glide is not
    changed; the farther away they are, the less they count, so that a vibrato is kept. Averages do
    not reach across steps of more than a semitone.

    Args:
        octaves: Binary logarithm of the pitch [frames], 10 ms apart.
        strengths: Share of the sound that repeats, 0..1 [frames].

    Returns:
        Smoothed pitch [frames].

    Example:
        >>> glide = np.linspace(8.0, 8.1, 20)
        >>> bool(np.allclose(smoothed(glide, np.full(20, 0.5)), glide))
        True
    """
    cents = 1200.0 * octaves
    # Precision of a frame: fewer periods are read above 1 kHz.
    deviation = 0.3 + 12.0 * (1.0 - strengths) * np.where(octaves > 10.0, 2.0, 1.0)
    weights = 1.0 / deviation**2
    sums = weights * cents
    jumps = np.concatenate([[0], np.cumsum(np.abs(np.diff(cents)) > _JUMP_CENTS)])
    for distance in range(1, min(_SMOOTHING_REACH, (cents.size - 1) // 2) + 1):
        before, after = slice(None, -2 * distance), slice(2 * distance, None)
        centre = slice(distance, -distance)
        variance = (deviation[before] ** 2 + deviation[after] ** 2) / 4.0
        weight = (jumps[before] == jumps[after]) / (variance + (2.0 * distance**2) ** 2)
        weights[centre] += weight
        sums[centre] += weight * (cents[before] + cents[after]) / 2.0
    return sums / weights / 1200.0
