"""The expression of a recorded player: each note is shaped like the best-fitting recorded one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.expression.performance import Expression, Plain, Shapes, is_connected, note_frames
from ddsp_tf.expression.phrases import Phrase, cents_limit, note_facts
from ddsp_tf.features.notes import SILENT_DB
from ddsp_tf.features.transcription import Note

# Differences that each cost one unit.
_PITCH_SEMITONES, _LEVEL_DB, _LENGTH_OCTAVES, _INTERVAL_SEMITONES = 6.0, 4.5, 0.5, 6.0
_CONNECTION_COST = 2.0
# The seed chooses among notes that cost at most this much more than the best one, so that what is
# played varies as the recordings do. Connected and separate notes are not exchanged.
_TIE_COST = 1.0
_ATTACK_SECONDS, _RELEASE_SECONDS, _BLEND_SECONDS = 0.15, 0.25, 0.08
_SEAM_SECONDS = 0.02
_LEAST_CONFIDENCE, _LEAST_SECONDS = 0.7, 0.08
# Largest fall of the level where connected notes meet.
_LEGATO_DB = 8.0
# The quietest tenth of the frames between notes contains neither their decay nor other sounds.
_PAUSE_PERCENTILE = 10.0

# Facts about each note and its neighbours.
_FACTS = ("midi", "level_db", "connected_before", "connected_after", "before", "after")
NAMES = ("frame_rate", "ends", "facts", "cents", "relative_db", "pause_db")


class NoNotesError(UserError):
    """The recordings contain no note to learn an expression from."""


class RecordedNotes(Expression):
    """Shapes each note like the recorded one that fits it best.

    Notes are compared by pitch, level, length and neighbours. A recorded note's attack and release
    keep their length. The part between them is cut, or repeated forwards and backwards, so that
    vibrato keeps its rate.

    Args:
        arrays: Arrays "frame_rate" [], "ends" [notes] (end of each note's curves), "facts" [notes,
            6], "cents" (deviation from the note's pitch) and "relative_db" (from its level), both
            [frames of all notes], and "pause_db" (loudness of the pauses) [].

    Raises:
        UserError: If the arrays do not fit together.

    Example:
        >>> level_db = np.repeat([-80.0, -20.0, -23.0, -80.0], [20, 30, 30, 20])
        >>> features = {"f0_hz": np.full(100, 440.0), "loudness_db": level_db}
        >>> player = RecordedNotes.learn([Phrase.of(features, 100)], 100)
        >>> shapes = player.shapes([Note(0.0, 1.0, 57.0, -10.0)], 100, 100)
        >>> round(float(shapes.level_db[25])), round(float(shapes.level_db[80]))
        (-10, -13)
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.arrays = {name: np.asarray(arrays[name]) for name in NAMES}
        problem = _problem(self.arrays)
        if problem:
            raise UserError(f"expression: {problem}")
        self.frame_rate = float(self.arrays["frame_rate"])
        self.pause_db = float(self.arrays["pause_db"])
        self._ends = self.arrays["ends"].astype(np.int64)
        self._firsts = np.concatenate([[0], self._ends[:-1]])
        self._facts = self.arrays["facts"].astype(np.float64)

    @property
    def count(self) -> int:
        """Number of recorded notes."""
        return len(self._ends)

    @classmethod
    def learn(
        cls,
        phrases: Iterable[Phrase],
        frame_rate: float,
        predicted: Callable[[Phrase], np.ndarray] | None = None,
    ) -> "RecordedNotes":
        """Learns from recordings without labels.

        Args:
            phrases: The recordings.
            frame_rate: Frames per second.
            predicted: Function that predicts decibels and cents of a phrase, [frames, 2]; only the
                residual is learned. None to learn everything.

        Returns:
            The expression.

        Raises:
            NoNotesError: If no note is found in the recordings.
        """
        facts, cents, relative_db, pauses = [], [], [], []
        for phrase in phrases:
            pauses.append(_pauses(phrase, frame_rate))
            expected = np.zeros((phrase.midi.size, 2)) if predicted is None else predicted(phrase)
            for k, (own, decibels, pitch) in enumerate(phrase.moves(frame_rate)):
                sure = np.isfinite(pitch)
                # The first and last notes of a recording may be incomplete.
                if own.start == 0 or own.stop == phrase.midi.size or not sure.any():
                    continue
                if sure.size < _LEAST_SECONDS * frame_rate:
                    continue
                if phrase.notes[k].confidence < _LEAST_CONFIDENCE:
                    continue
                facts.append(note_facts(phrase.notes, k))
                left = (pitch - expected[own, 1])[sure]
                cents.append(np.interp(np.arange(sure.size), np.flatnonzero(sure), left))
                relative_db.append(decibels - expected[own, 0])
        if not facts:
            raise NoNotesError("expression: no note was found in the recordings")
        return cls(
            {
                "frame_rate": np.array(frame_rate, np.float32),
                "ends": np.cumsum([len(curve) for curve in cents]).astype(np.int32),
                "facts": np.array(facts, np.float32),
                "cents": np.concatenate(cents).astype(np.float16),
                "relative_db": np.concatenate(relative_db).astype(np.float16),
                "pause_db": _pause_level(np.concatenate(pauses)),
            }
        )

    def shapes(
        self, notes: Sequence[Note], frame_rate: float, frames: int, seed: int = 0
    ) -> Shapes:
        """Shapes the notes of one voice; see `Expression.shapes`."""
        midi, level_db = Plain().shapes(notes, frame_rate, frames)
        for k, number, own in self.chosen(notes, frame_rate, frames, seed):
            note, wanted, size = notes[k], note_facts(notes, k), own.stop - own.start
            cents, relative_db = self.warped(number, size, frame_rate)
            limit = cents_limit(wanted, size)
            midi[own] = note.midi + np.clip(cents, -limit, limit) / 100.0
            shaped = note.level_db + relative_db
            edge = min(round(_ATTACK_SECONDS * frame_rate), size // 2)
            for side, zone in ((2, slice(0, edge)), (3, slice(size - edge, size))):
                if wanted[side]:
                    shaped[zone] = np.maximum(shaped[zone], note.level_db - _LEGATO_DB)
                elif self._facts[number, side]:
                    shaped[zone] = np.minimum(shaped[zone], level_db[own][zone])
            level_db[own] = shaped
        _smooth_seams(level_db, notes, frame_rate)
        return Shapes(midi, np.maximum(level_db, self.pause_db))

    def chosen(
        self, notes: Sequence[Note], frame_rate: float, frames: int, seed: int
    ) -> Iterator[tuple[int, int, slice]]:
        """Chooses for each note a recorded note that fits it best, or about as well.

        Args:
            notes: Notes of one voice.
            frame_rate: Frames per second.
            frames: Number of frames of all notes together.
            seed: Seed of the choice.

        Yields:
            Number of the note, number of the recorded one, and the note's frames.
        """
        generator, last = np.random.default_rng(seed), -1
        for k, (first, end) in enumerate(note_frames(notes, frame_rate, frames)):
            if first < end:
                last = self._choose(
                    note_facts(notes, k), (end - first) / frame_rate, last, generator
                )
                yield k, last, slice(first, end)

    def _choose(self, facts, seconds, last, generator) -> int:
        wanted = np.array(facts)
        off = np.abs(self._facts - wanted)
        lengths = (self._ends - self._firsts) / self.frame_rate
        octaves = np.abs(np.log2(lengths / seconds))
        cost = off[:, 0] / _PITCH_SEMITONES + off[:, 1] / _LEVEL_DB + octaves / _LENGTH_OCTAVES
        cost += _CONNECTION_COST * (off[:, 2] + off[:, 3])
        for connected, interval in ((2, 4), (3, 5)):
            both = (self._facts[:, connected] > 0) & (wanted[connected] > 0)
            cost += both * np.minimum(off[:, interval] / _INTERVAL_SEMITONES, 2.0)
        if self.count > 1 and last >= 0:
            cost[last] = np.inf
        near = np.flatnonzero(cost <= cost.min() + _TIE_COST)
        return int(generator.choice(near))

    def warped(self, number: int, frames: int, frame_rate: float) -> list[np.ndarray]:
        """Stretches or shortens the curves of a recorded note.

        Args:
            number: Number of the recorded note.
            frames: Number of frames to return.
            frame_rate: Frames per second.

        Returns:
            Cents and decibels, float64 [frames] each.
        """
        own = slice(self._firsts[number], self._ends[number])
        curves = [self.arrays[name][own].astype(np.float64) for name in ("cents", "relative_db")]
        if frame_rate != self.frame_rate:
            size = max(round(len(curves[0]) * frame_rate / self.frame_rate), 1)
            curves = [stretched(curve, size) for curve in curves]
        return [warp(curve, frames, frame_rate) for curve in curves]


def stretched(curve: np.ndarray, frames: int) -> np.ndarray:
    """Interpolates a curve to another number of frames.

    Example:
        >>> stretched(np.array([0.0, 1.0]), 4).tolist()
        [0.0, 0.25, 0.75, 1.0]
    """
    places = (np.arange(frames) + 0.5) * len(curve) / frames - 0.5
    return np.interp(places, np.arange(len(curve)), curve)


def warp(curve: np.ndarray, frames: int, frame_rate: float) -> np.ndarray:
    """Stretches or shortens a note's curve; attack and release keep their length.

    Args:
        curve: Values [own frames].
        frames: Number of frames to return.
        frame_rate: Frames per second.

    Returns:
        float64 [frames].

    Example:
        >>> curve = np.concatenate([[-9.0], np.zeros(98), [-6.0]])
        >>> longer = warp(curve, 150, 100)
        >>> longer.size, float(longer[0]), float(longer[-1])
        (150, -9.0, -6.0)
    """
    own = len(curve)
    if own == frames:
        return curve.astype(np.float64)
    shorter = min(own, frames)
    attack = min(round(_ATTACK_SECONDS * frame_rate), shorter // 3)
    release = min(round(_RELEASE_SECONDS * frame_rate), shorter // 3)
    places = np.arange(frames)
    from_start = curve[_reflected(places, attack, own - release)]
    from_end = curve[own - 1 - _reflected(frames - 1 - places, release, own - attack)]
    blend = max(min(round(_BLEND_SECONDS * frame_rate), frames - attack - release), 1)
    share = np.clip((places - (frames - release - blend)) / blend, 0.0, 1.0)
    return (1.0 - share) * from_start + share * from_end


def _reflected(places: np.ndarray, first: int, end: int) -> np.ndarray:
    """Folds positions past the end back and forth between `first` and `end`."""
    span = max(end - 1 - first, 1)
    past = np.maximum(places - first, 0) % (2 * span)
    folded = first + np.minimum(past, 2 * span - past)
    return np.where(places < first, places, np.minimum(folded, max(end - 1, 0)))


def _pauses(phrase: Phrase, frame_rate: float) -> np.ndarray:
    """Returns the loudness of all frames between notes."""
    outside = np.ones(phrase.midi.size, bool)
    for first, end in note_frames(phrase.notes, frame_rate, phrase.midi.size):
        outside[first:end] = False
    return phrase.level_db[outside]


def _pause_level(pauses: np.ndarray) -> np.ndarray:
    level = np.percentile(pauses, _PAUSE_PERCENTILE) if pauses.size else SILENT_DB
    return np.array(max(level, SILENT_DB), np.float32)


def _smooth_seams(curve: np.ndarray, notes: Sequence[Note], frame_rate: float) -> None:
    """Smooths a curve, in place, where connected notes meet: a moving average over 40 ms."""
    half = max(round(_SEAM_SECONDS * frame_rate), 1)
    for k in range(1, len(notes)):
        seam = round(notes[k].onset_s * frame_rate)
        first, end = max(seam - 2 * half, 0), min(seam + 2 * half, curve.size)
        if is_connected(notes[k - 1], notes[k]) and end - first > 2 * half:
            padded = np.pad(curve[first:end], half, mode="edge")
            width = 2 * half + 1
            curve[first:end] = np.convolve(padded, np.ones(width) / width, "valid")


def _problem(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Describes what is wrong with the arrays of an expression."""
    ends, facts, total = arrays["ends"], arrays["facts"], arrays["cents"].size
    if arrays["frame_rate"].size != 1 or not 0.0 < float(arrays["frame_rate"]) <= 1e4:
        return "frame_rate is not a number of frames per second"
    if arrays["pause_db"].size != 1:
        return "pause_db is not one level"
    if ends.ndim != 1 or ends.size == 0 or facts.shape != (ends.size, len(_FACTS)):
        return "ends and facts differ in their number of notes"
    if arrays["cents"].shape != (total,) or arrays["relative_db"].shape != (total,):
        return "the curves differ in length"
    # Differences of unsigned integers would never be negative.
    lengths = np.diff(ends.astype(np.int64), prepend=0) if ends.dtype.kind in "iu" else 0
    if np.any(lengths < 1) or int(ends[-1]) != total:
        return "the notes do not divide the curves"
    if not all(np.isfinite(arrays[name].astype(np.float64)).all() for name in arrays):
        return "holds numbers that are not finite"
    return None
