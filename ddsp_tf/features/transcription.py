"""Transcription of pitch, loudness and sound to notes."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ddsp_tf.errors import check_number
from ddsp_tf.features.articulation import articulation
from ddsp_tf.features.audio_input import mono_audio
from ddsp_tf.features.curve_input import checked_curves
from ddsp_tf.features.note_path import best_spans
from ddsp_tf.features.notes import SILENT_DB, spans

# Levels at which a note begins and ends, relative to its loudest tenth.
_ONSET_DB, _OFFSET_DB = 33.0, 36.0
_DEPTH_DB, _LEAST_DEPTH_DB = 55.0, 40.0
_ABOVE_QUIET_DB, _EDGE_ABOVE_QUIET_DB = 10.0, 8.0
_SHORTEST_SECONDS = 0.05
_ATTACK_SECONDS = 0.05
_CONNECTED_SECONDS, _SAME_PITCH_SECONDS = 0.05, 0.15
_SAME_SEMITONES, _LEAP_SEMITONES, _SCOOP_SEMITONES = 0.6, 11.0, 2.0
_SLIVER_SECONDS, _SCOOP_SECONDS, _BRIEF_SECONDS = 0.08, 0.25, 0.15
# A step to another note is faster than this; a scoop is slower.
_STEP_SEMITONES_PER_SECOND = 15.0
_FALL_DB = 8.0

Span = tuple[int, int]


@dataclass(frozen=True)
class Note:
    """A note that was played.

    Attributes:
        onset_s: Start in seconds.
        offset_s: End in seconds.
        midi: Pitch as a MIDI number with cents as its fraction, such as 69.05.
        level_db: Loudness of its loudest tenth in dB.
        confidence: Mean confidence of its pitch, 0 to 1; 1 if it was not measured.

    Example:
        >>> note = Note(0.5, 1.0, 69.05)
        >>> note.offset_s - note.onset_s, round(note.midi)
        (0.5, 69)
    """

    onset_s: float
    offset_s: float
    midi: float
    level_db: float = 0.0
    confidence: float = 1.0


def transcribe(
    features: Mapping[str, np.ndarray],
    frame_rate: float,
    audio: np.ndarray | None = None,
    sample_rate: int | None = None,
) -> list[Note]:
    """Finds the notes in the features of a recording.

    Notes of different pitch are separated where the pitch steps, even without a gap (legato);
    repeated notes of one pitch where the sound starts again (see `ddsp_tf.features.articulation`).
    Vibrato, glides into a note, decays, and octave errors of the tracker at the edges of notes do
    not become notes of their own.

    Args:
        features: Dictionary of [frames] arrays: "f0_hz" (0 for no pitch), "loudness_db", and
            "f0_confidence" (0..1) if it is known.
        frame_rate: Frames per second.
        audio: The recording, mono [frames * hop]; repeated notes are found more reliably with it.
        sample_rate: Samples per second of the audio.

    Returns:
        Notes in order; none overlaps the next.

    Raises:
        UserError: If a curve is missing, not numeric or of another length, the audio is not mono or
            not in floats, or a rate is out of range.

    Example:
        >>> features = {"f0_hz": np.repeat([440.0, 494.0], 50),
        ...             "loudness_db": np.full(100, -20.0)}
        >>> [(note.onset_s, note.offset_s, round(note.midi, 2))
        ...  for note in transcribe(features, 100)]
        [(0.0, 0.5, 69.0), (0.5, 1.0, 71.0)]
    """
    check_number("frame_rate", frame_rate, 1.0, 1e5)
    if audio is not None:
        check_number("sample_rate", sample_rate, 1.0, 1e6)
        audio = mono_audio(audio, sample_rate or 0, hop=1)
    features = checked_curves(features, ("loudness_db",))
    curves = _Curves(features, frame_rate, audio, sample_rate)
    found: list[Span] = []
    for first, end in _sounding_spans(curves):
        part = slice(first, end)
        inside = best_spans(
            curves.midi[part],
            curves.confidence[part],
            curves.sounding[part],
            curves.attacks[part],
            frame_rate,
        )
        found += [(first + a, first + b) for a, b in inside]
    found = [span for span in found if curves.level_of(span) > curves.quiet + _ABOVE_QUIET_DB]
    found = [
        span
        for group in _groups(found, _SAME_PITCH_SECONDS * frame_rate)
        for span in _join(group, curves)
        if span[1] - span[0] >= _SHORTEST_SECONDS * frame_rate
    ]
    notes = []
    for first, end in _with_edges(found, curves):
        if end - first >= _SHORTEST_SECONDS * frame_rate:
            pitch, level = curves.pitch_of((first, end)), curves.level_of((first, end))
            sure = float(curves.confidence[first:end].mean())
            notes.append(Note(first / frame_rate, end / frame_rate, pitch, level, sure))
    return notes


class _Curves:
    """Curves of a recording, as evidence for notes."""

    def __init__(self, features, frame_rate, audio, sample_rate):
        f0_hz = np.asarray(features["f0_hz"], np.float64)
        self.frame_rate = frame_rate
        self.midi = 69.0 + 12.0 * np.log2(np.maximum(f0_hz, 1e-3) / 440.0)
        confidence = np.asarray(features.get("f0_confidence", np.ones(f0_hz.size)), np.float64)
        self.confidence = np.where(f0_hz > 0.0, confidence, 0.0)
        self.level = np.asarray(features["loudness_db"], np.float64)
        loud, quiet = np.percentile(self.level, [95, 1]) if f0_hz.size else (0.0, 0.0)
        self.quiet = min(quiet, loud - _LEAST_DEPTH_DB)
        self.sounding = self.level > max(loud - _DEPTH_DB, SILENT_DB + 1.0)
        strength = articulation(self.level, self.confidence, frame_rate, audio, sample_rate)
        width = max(round(_ATTACK_SECONDS * frame_rate), 1)
        padded = np.pad(strength, width, mode="edge")
        highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1).max(axis=1)
        self.attacks = np.where(strength >= highest, strength, 0.0)

    def frames(self, seconds: float) -> int:
        return max(round(seconds * self.frame_rate), 1)

    def level_of(self, span: Span) -> float:
        return float(np.percentile(self.level[slice(*span)], 90))

    def pitch_of(self, span: Span) -> float:
        """Median pitch, weighted by confidence, where it is not faint."""
        midi, level = self.midi[slice(*span)], self.level[slice(*span)]
        weights = self.confidence[slice(*span)] * (level > self.level_of(span) - 15.0)
        order = np.argsort(midi)
        below = np.cumsum(weights[order])
        if below[-1] == 0.0:
            return float(np.median(midi))
        return float(midi[order][np.searchsorted(below, below[-1] / 2.0)])

    def attack_between(self, before: Span, after: Span) -> bool:
        """Whether the sound starts again where one span ends and the next begins."""
        near = self.frames(0.04)
        first = max(before[1] - near, before[0] + self.frames(0.06))
        return bool((self.attacks[first : after[0] + near + 1] >= 1.0).any())

    def starts(self, span: Span, before: Span | None) -> bool:
        """Whether a span begins after silence or with an attack, and not out of another note."""
        if before is None or span[0] - before[1] > self.frames(0.04):
            return True
        near = self.frames(_ATTACK_SECONDS)
        return bool((self.attacks[max(span[0] - near, 0) : span[0] + near + 1] >= 1.0).any())

    def steepest(self, before: Span, after: Span) -> float:
        """Fastest change of pitch around a boundary, in semitones per second."""
        near, step = self.frames(0.06), self.frames(0.03)
        midi = self.midi[max(after[0] - near, before[0]) : after[0] + near]
        if midi.size <= step:
            return np.inf
        return float(np.abs(midi[step:] - midi[:-step]).max() * self.frame_rate / step)

    def falls(self, span: Span) -> bool:
        """Whether a span is the decay of a sound."""
        level = self.level[slice(*span)]
        edge = max(2, level.size // 5)
        return bool(np.median(level[:edge]) - np.median(level[-edge:]) > _FALL_DB)


def _sounding_spans(curves: _Curves) -> list[Span]:
    """Spans of sound, separated by gaps that are too long to lie inside a note."""
    return [(g[0][0], g[-1][1]) for g in _groups(spans(curves.sounding), curves.frames(0.2))]


def _groups(found: list[Span], gap: float) -> list[list[Span]]:
    groups: list[list[Span]] = []
    for span in found:
        if groups and span[0] - groups[-1][-1][1] <= gap:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _join(group: list[Span], curves: _Curves) -> list[Span]:
    """Joins the parts of one note, starting with the longest."""
    group = list(group)
    judged = functools.cache(
        lambda before, first, second: _is_one_note(before, first, second, curves)
    )
    while True:
        pairs = [
            k
            for k in range(1, len(group))
            if judged(group[k - 2] if k > 1 else None, group[k - 1], group[k])
        ]
        if not pairs:
            return group
        k = max(pairs, key=lambda k: group[k][1] - group[k - 1][0])
        group[k - 1 : k + 1] = [(group[k - 1][0], group[k][1])]


def _is_one_note(before: Span | None, first: Span, second: Span, curves: _Curves) -> bool:
    if curves.attack_between(first, second):
        return False
    gap = (second[0] - first[1]) / curves.frame_rate
    lengths = [(span[1] - span[0]) / curves.frame_rate for span in (first, second)]
    interval = abs(curves.pitch_of(second) - curves.pitch_of(first))
    if interval < _SAME_SEMITONES:
        return gap <= _SAME_PITCH_SECONDS
    if gap > _CONNECTED_SECONDS:
        return False
    # Octave errors, and the like, in an attack or a decay.
    if interval > _LEAP_SEMITONES and min(lengths) < _BRIEF_SECONDS:
        return True
    if _is_harmonic(interval) and curves.falls(second):
        return True
    if not curves.starts(first, before):
        return False
    if lengths[0] < _SLIVER_SECONDS:
        return True
    return (
        interval < _SCOOP_SEMITONES
        and lengths[0] < _SCOOP_SECONDS
        and curves.steepest(first, second) < _STEP_SEMITONES_PER_SECOND
    )


def _is_harmonic(interval: float) -> bool:
    """Whether one pitch is a multiple of another."""
    ratio = max(round(2.0 ** (interval / 12.0)), 1)
    return ratio > 1 and abs(12.0 * np.log2(ratio) - interval) < 0.4


def _with_edges(found: list[Span], curves: _Curves) -> list[Span]:
    """Moves both ends of each note to where its level rises above the quiet."""
    level, edges = curves.level, []
    for k, (first, end) in enumerate(found):
        loud = curves.level_of((first, end))
        floor = min(curves.quiet + _EDGE_ABOVE_QUIET_DB, loud - 12.0)
        floor = max(floor, SILENT_DB + 1.0)
        audible = level > max(loud - _ONSET_DB, floor)
        earliest = found[k - 1][1] if k else 0
        latest = found[k + 1][0] if k + 1 < len(found) else level.size
        while first > earliest and audible[first - 1]:
            first -= 1
        while first < end - 1 and not audible[first]:
            first += 1
        audible = level > max(loud - _OFFSET_DB, floor)
        while end < latest and audible[end]:
            end += 1
        while end > first + 1 and not audible[end - 1]:
            end -= 1
        edges.append((first, end))
    return [
        (first, min(end, edges[k + 1][0]) if k + 1 < len(edges) else end)
        for k, (first, end) in enumerate(edges)
    ]
