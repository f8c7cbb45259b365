"""The most plausible division of a pitch curve into notes, found by dynamic programming."""

import numpy as np

_GRID_SEMITONES = 0.1
_NOTE_COST_SECONDS = 0.055
_LARGEST_DEVIATION = 1.5
# Cost of a frame inside a note, by the confidence of its pitch; frames outside cost nothing.
_CONFIDENCES, _COSTS = (0.0, 0.5, 1.0), (2.0, 0.0, -1.0)


def best_spans(
    midi: np.ndarray,
    confidence: np.ndarray,
    sounding: np.ndarray,
    attacks: np.ndarray,
    frame_rate: float,
) -> list[tuple[int, int]]:
    """Divides frames into notes of one pitch each, and gaps.

    The division minimizes a sum of costs: a note costs as much as 50 ms of a pitch that is a
    semitone off; a frame in it costs more the further its pitch is off and the less certain it is.
    An attack makes a new note cheap, and a note that continues through it expensive. Vibrato and
    short glides therefore stay inside a note, while a lasting step begins a new one.

    Args:
        midi: Pitch as MIDI numbers [frames].
        confidence: Confidence of the pitch, 0 to 1 [frames].
        sounding: Mask of the frames with sound, bool [frames].
        attacks: Evidence that the sound starts again at a frame, from 0 between attacks to 1 for a
            clear one [frames].
        frame_rate: Frames per second.

    Returns:
        First frame and end (exclusive) of each note.

    Example:
        >>> midi = np.repeat([60.0, 61.0, 60.0], [50, 2, 50])
        >>> best_spans(midi, np.ones(102), np.ones(102, bool), np.zeros(102), 100)
        [(0, 102)]
        >>> midi = np.repeat([60.0, 61.0], 20)
        >>> best_spans(midi, np.ones(40), np.ones(40, bool), np.zeros(40), 100)
        [(0, 20), (20, 40)]
    """
    inside = sounding & (confidence >= _CONFIDENCES[1])
    if not inside.any():
        return []
    lowest, highest = np.floor(midi[inside].min()), np.ceil(midi[inside].max())
    pitches = np.arange(lowest, highest + _GRID_SEMITONES / 2.0, _GRID_SEMITONES)
    frame_costs = np.interp(confidence, _CONFIDENCES, _COSTS) / frame_rate
    frame_costs = np.where(sounding, frame_costs, _COSTS[0] / frame_rate)
    note_costs = _NOTE_COST_SECONDS * np.clip(1.0 - attacks, -1.0, 1.0)
    # For the best division of the frames so far: cost if a note of each pitch still sounds, and the
    # first frame of that note; cost if none does, and its last note.
    costs, firsts = np.full(pitches.size, np.inf), np.zeros(pitches.size, np.int64)
    best, first_of = 0.0, np.full(len(midi) + 1, -1, np.int64)
    for k in range(len(midi)):
        begun = best + max(note_costs[k], 0.0)
        costs += max(-note_costs[k], 0.0)
        firsts[begun < costs] = k
        np.minimum(costs, begun, out=costs)
        deviations = np.minimum(np.abs(pitches - midi[k]), _LARGEST_DEVIATION)
        costs += frame_costs[k] + deviations * (confidence[k] / frame_rate)
        cheapest = int(np.argmin(costs))
        if costs[cheapest] < best - 1e-12:
            best, first_of[k + 1] = float(costs[cheapest]), firsts[cheapest]
    found, end = [], len(midi)
    while end > 0:
        if first_of[end] >= 0:
            found.append((int(first_of[end]), end))
            end = int(first_of[end])
        else:
            end -= 1
    return found[::-1]
