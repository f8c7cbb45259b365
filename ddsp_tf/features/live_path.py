"""The best path of pitch so far: `pitch_path` for live use, on tensors."""

import itertools
from typing import NamedTuple

import numpy as np
from keras import ops

from ddsp_tf.features.periodicity import STEP_CENTS, Plan
from ddsp_tf.features.pitch_path import (
    ABSENT,
    CANDIDATES,
    COST_PER_CENT,
    FLOOR,
    FREE_CENTS,
    GAIN_HZ,
    GAINS,
    LONGEST_LAG_HZ,
    MOST_PERIODS,
    SEARCH_STEPS,
    Candidates,
)
from ddsp_tf.typing import Tensor

_STEPS_PER_OCTAVE = 1200.0 / STEP_CENTS
_FRAME_SECONDS = 0.01
# A path that does not know the future must be able to leave a wrong pitch earlier.
_JUMP_COST = 1.0
_JUMP_CENTS = 120.0
_COST_OF_DELAY = 50.0
_HOLDING_SCORE = 0.6


def live_candidates(strength: Tensor, plan: Plan) -> Candidates:
    """Finds the most likely pitches of every row, as `find_candidates` does on arrays.

    Args:
        strength: Periodicity from `live_periodicity` [rows, pitches].
        plan: Plan with these pitches.

    Returns:
        Ten candidates per row; if there are fewer maxima, the others score -1000.

    Example:
        >>> from ddsp_tf.features.periodicity import periodicity_plan
        >>> plan = periodicity_plan(100.0, 400.0)
        >>> strength = np.maximum(1.0 - 0.1 * np.abs(np.arange(203.0) - 101.0), 0.0)[None]
        >>> found = live_candidates(strength.astype(np.float32), plan)
        >>> round(float(2.0 ** found.octaves[0, 0]))
        200
    """
    left, middle, right = strength[:, :-2], strength[:, 1:-1], strength[:, 2:]
    peak = ops.logical_and(ops.logical_and(middle >= left, middle > right), middle > 0.0)
    shift, height = _vertex(left, middle, right)
    gain, slope = _gains(plan)
    scores = gain + shift * slope - ops.log(ops.maximum(1.0 - height, 0.0) + FLOOR)
    scores, best = ops.top_k(ops.where(peak, scores, ABSENT), CANDIDATES)
    places = ops.cast(best, "float32") + 1.0 + read_at(shift, best)
    octaves, later = _sharpened(strength, places, plan)
    return Candidates(
        octaves, scores, ops.clip(ops.minimum(read_at(height, best), later), 0.0, 1.0)
    )


def _gains(plan):
    """Value of height at all pitches except the first and the last, and its change per step."""
    octaves = np.log2(plan.pitches_hz)
    gains = np.interp(octaves, np.log2(GAIN_HZ), GAINS)
    return gains[1:-1].astype(np.float32), (np.gradient(gains)[1:-1]).astype(np.float32)


def _vertex(left, middle, right):
    """Position, relative to the middle, and height of the vertex of a parabola."""
    curvature = left - 2.0 * middle + right
    bent = curvature < -1e-9
    shift = ops.where(bent, 0.5 * (left - right) / ops.where(bent, curvature, 1.0), 0.0)
    shift = ops.clip(shift, -0.5, 0.5)
    return shift, middle - 0.25 * (left - right) * shift


def read_at(values: Tensor, places: Tensor) -> Tensor:
    """Reads values at positions within the same row.

    Args:
        values: Values [rows, n].
        places: Integer positions from 0 to n - 1, [rows, ...].

    Returns:
        Values in the shape of `places`.

    Example:
        >>> values = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> np.asarray(read_at(values, np.array([[1.0], [0.0]]))).tolist()
        [[2.0], [3.0]]
    """
    rows, size = ops.shape(values)[0], values.shape[1]
    first = ops.reshape(
        ops.arange(rows, dtype="int32") * size, [-1] + [1] * (len(places.shape) - 1)
    )
    return ops.take(ops.reshape(values, (-1,)), ops.cast(places, "int32") + first)


def _sharpened(strength, places, plan):
    """Reads pitch more exactly from a lag of several periods; returns it and the strength there."""
    top_octave = np.float32(np.log2(plan.pitches_hz[0]))
    octaves = top_octave - places * np.float32(1.0 / _STEPS_PER_OCTAVE)
    periods = ops.clip(ops.floor(ops.exp(octaves * np.log(2.0)) / LONGEST_LAG_HZ), 1, MOST_PERIODS)
    shift = ops.log(periods) * np.float32(_STEPS_PER_OCTAVE / np.log(2.0))
    margin = SEARCH_STEPS + 1
    middle = ops.clip(ops.round(places + shift), margin, plan.pitches_hz.size - margin - 1)
    around = np.arange(-SEARCH_STEPS, SEARCH_STEPS + 1, dtype=np.float32)
    near = middle[..., None] + around
    at = read_at(strength, near)
    chosen, stop = _first_best(at[..., 1:-1]), 2 * SEARCH_STEPS - 1
    left, top, right = (ops.sum(at[..., k : k + stop] * chosen, axis=-1) for k in range(3))
    place = ops.sum(near[..., 1:-1] * chosen, axis=-1) + _vertex(left, top, right)[0]
    sharp = top_octave - (place - shift) * np.float32(1.0 / _STEPS_PER_OCTAVE)
    plain = ops.logical_or(
        ops.logical_or(periods < 1.5, ops.abs(sharp - octaves) > 0.03),
        ops.logical_or(top < left, top < right),
    )
    return ops.where(plain, octaves, sharp), ops.where(periods < 1.5, 1.0, top)


class Paths(NamedTuple):
    """The best paths to some pitches, [batch, paths] each.

    Attributes:
        octaves: Binary logarithm of the pitch in Hz at the end of each path.
        totals: Score of each path, relative to the best one.
    """

    octaves: Tensor
    totals: Tensor


def advance(
    paths: Paths,
    found: Candidates,
    delays: list[tuple[float, float]],
    seconds: float,
    beginning: Tensor,
) -> tuple[Paths, Tensor, Tensor]:
    """Extends the best paths by one frame (Viterbi, without looking back).

    An additional candidate of low score holds the pitch of the best path: while a pitch changes,
    all other candidates may be wrong. A jump to a pitch whose window reaches further back costs
    more, because that window still contains the previous sound. Where a sound begins, jumps cost
    nothing and holding a pitch scores nothing: what came before says nothing about it.

    Args:
        paths: Paths up to the previous frame; zeros at the start.
        found: Candidates of the new frame, [batch, candidates] each; one fewer than paths.
        delays: Lowest pitches in Hz, falling, and the seconds by which their windows are late.
        seconds: Time between frames in seconds: the shorter, the less each frame counts.
        beginning: Whether a sound begins, as `onset` estimates it, 0..1 [batch, 1].

    Returns:
        Tuple of the new paths, and octave and strength at the end of the best one, [batch, 1].

    Example:
        >>> def candidates(*scores):
        ...     octaves = np.log2(np.array([[220.0, 440.0]], np.float32))
        ...     return Candidates(octaves, np.float32([scores]), np.float32([[1, 1]]))
        >>> paths, none = Paths(*np.zeros((2, 1, 3), np.float32)), np.zeros((1, 1), np.float32)
        >>> for scores in ((3.0, 2.0), (2.4, 2.6)):
        ...     paths, octave, _ = advance(paths, candidates(*scores), [(0.0, 0.02)], 0.01, none)
        >>> round(float(2.0 ** octave[0, 0]))
        220
    """
    before = paths.octaves
    held = ops.sum(before * _first_best(paths.totals), axis=1, keepdims=True)
    octaves = ops.concatenate([found.octaves, held], axis=1)
    continuing = 1.0 - beginning
    scores = ops.concatenate([found.scores, _HOLDING_SCORE * continuing], axis=1)
    strengths = ops.concatenate([found.strengths, ops.zeros_like(held)], axis=1)
    steps = 1200.0 * ops.abs(octaves[:, :, None] - before[:, None, :])
    costs = ops.maximum((steps - FREE_CENTS) * COST_PER_CENT, 0.0)
    costs = ops.minimum(costs, _JUMP_COST)
    later = _delay(octaves, delays)[:, :, None] - _delay(before, delays)[:, None, :]
    costs += ops.where(steps > _JUMP_CENTS, _COST_OF_DELAY * ops.maximum(later, 0.0), 0.0)
    arrivals = ops.max(paths.totals[:, None, :] - continuing[:, :, None] * costs, axis=2)
    totals = arrivals + scores * (seconds / _FRAME_SECONDS)
    totals = totals - ops.max(totals, axis=1, keepdims=True)
    chosen = _first_best(totals)
    octave, strength = (
        ops.sum(values * chosen, axis=1, keepdims=True) for values in (octaves, strengths)
    )
    return Paths(octaves, totals), octave, strength


def _delay(octaves, delays):
    """Delays in seconds of the windows of some pitches."""
    delay = delays[0][1]
    for (lowest, _), (_, later) in itertools.pairwise(delays):
        delay = ops.where(octaves < np.log2(lowest), later, delay)
    return delay + ops.zeros_like(octaves)


def _first_best(values):
    """Marks the greatest value along the last axis with 1, the others with 0."""
    # Keras's argmax consists of operators that LiteRT lacks.
    _, best = ops.top_k(values, 1)
    return ops.cast(ops.equal(np.arange(values.shape[-1], dtype=np.int32), best), "float32")
