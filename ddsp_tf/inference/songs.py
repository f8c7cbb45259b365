"""Playing MIDI files with one model, or with several together."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError, check_number
from ddsp_tf.expression.parts import (
    CHORDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    Chords,
    Part,
    check_notes,
    humanized,
    one_voice,
    with_levels,
    with_repeats_apart,
    within_range,
)
from ddsp_tf.expression.performance import Expression, perform
from ddsp_tf.inference.curves import checked_seed
from ddsp_tf.inference.rendering import synthesize

# Time for the sound after the last note.
_TAIL_SECONDS = 1.0
# Semitones with a smaller share of the frames are errors of the pitch tracker.
_LEAST_SHARE = 0.003


@dataclasses.dataclass(frozen=True)
class Manner:
    """The manner in which a part is played.

    Attributes:
        expression: Amount of the player's expression, 0 (none) to 1.5.
        vibrato_cents: Vibrato added to each note.
        chords: Note that is played of two at once: "highest", "lowest" or "error".
        octaves: Whether notes outside the model's range are moved by octaves.
        humanize_s: Standard deviation of random shifts of onsets, in seconds.
        seed: Seed of everything random.
    """

    expression: float = 1.0
    vibrato_cents: float = 0.0
    chords: Chords = "highest"
    octaves: bool = False
    humanize_s: float = 0.0
    seed: int = 0


def note_range(statistics: Mapping[str, Any]) -> tuple[float, float]:
    """Returns the lowest and the highest note of a model's training data as MIDI numbers.

    Args:
        statistics: Statistics of the data, from `load_ranges`. Without histograms, the range is
            that of all frames, including errors of the pitch tracker.

    Example:
        >>> note_range({"histograms": {"f0_midi": {"first": 30, "counts": [1, 0, 400, 0, 600]}}})
        (32.0, 34.0)
    """
    histogram = statistics.get("histograms", {}).get("f0_midi")
    if not histogram:
        return statistics["f0_midi"]["min"], statistics["f0_midi"]["max"]
    counts = np.asarray(histogram["counts"])
    used = histogram["first"] + np.flatnonzero(counts >= _LEAST_SHARE * counts.sum())
    return float(used[0]), float(used[-1])


def song_curves(
    part: Part,
    player: Any,
    ranges: Mapping[str, Any],
    manner: Manner | None = None,
    expression: Expression | None = None,
    seconds: float | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
) -> dict[str, np.ndarray]:
    """Computes the curves of a part for a model.

    The loudest velocity is played at the level of the loudest twentieth of the training data;
    softer ones are relative to that, but not softer than its softest twentieth. A note that is
    followed at once by the same key ends 60 ms earlier, so that both are heard.

    Args:
        part: Part of a song, from `read_midi`.
        player: Model from `load_player`; its frame rate is used.
        ranges: Statistics of its training data, from `load_ranges`.
        manner: Manner of playing; None for the defaults.
        expression: Expression of the player, from `load_expression`; None for plain notes.
        seconds: Duration; None for that of the part plus one second.
        on_warning: Function called with the text of a warning.

    Returns:
        Dictionary of [frames] arrays: "f0_hz", "loudness_db" and "power_db".

    Raises:
        UserError: If a setting or a note's number is out of range, the ranges are not those of a
            model, two notes sound at once although `chords` is "error", or no note lasts 20 ms.

    Example:
        >>> import ddsp_tf
        >>> from ddsp_tf.features.transcription import Note
        >>> model = ddsp_tf.instrument("demo_violin")
        >>> player, _ = ddsp_tf.load_player(model)
        >>> part = Part("", (Note(0.0, 1.0, 69.0),))
        >>> curves = song_curves(part, player, ddsp_tf.load_ranges(model))
        >>> curves["f0_hz"].shape, round(float(curves["f0_hz"][50]))
        ((200,), 440)
    """
    manner = manner or Manner()
    _check(part, manner, ranges)
    name = f"track {part.name!r}: " if part.name else ""
    notes, left_out = one_voice(part.notes, manner.chords)
    if left_out:
        on_warning(f"{name}{left_out} times two notes at once; the {manner.chords} is played")
    short = sum(note.offset_s - note.onset_s < SHORTEST_SECONDS for note in part.notes)
    if short:
        on_warning(f"{name}{short} notes are shorter than 20 ms and left out")
    if not notes:
        raise UserError(f"{name}no note lasts 20 ms; expected longer notes")
    (lowest, highest), level = note_range(ranges), ranges["loudness_db"]
    moved, outside = within_range(notes, lowest, highest)
    if outside:
        on_warning(
            f"{name}{len(outside)} of {len(notes)} notes lie outside of MIDI "
            f"{lowest:.0f} to {highest:.0f}, which the model was trained on; "
            + ("they are moved by octaves" if manner.octaves else "they may sound wrong")
        )
    notes = with_repeats_apart(moved if manner.octaves else notes)
    notes = with_levels(notes, level["p5"], level["p95"])
    if manner.humanize_s > 0.0:
        notes = humanized(notes, manner.humanize_s, manner.seed)
    seconds = part.end_s + _TAIL_SECONDS if seconds is None else seconds
    curves = perform(
        dataclasses.replace(part, notes=tuple(notes)),
        player.frame_rate,
        max(round(seconds * player.frame_rate), 1),
        expression,
        manner.expression,
        manner.vibrato_cents,
        manner.seed,
    )
    offset = ranges["power_db"]["mean"] - level["mean"] if "power_db" in ranges else 0.0
    return {**curves, "power_db": curves["loudness_db"] + np.float32(offset)}


def _check(part: Part, manner: Manner, ranges: Mapping[str, Any]) -> None:
    check_notes(part.notes)
    check_number("end of the last note", part.end_s, 0.0, LONGEST_SECONDS)
    check_number("humanize_s", manner.humanize_s, 0.0, 1.0)
    checked_seed(manner.seed)
    if manner.chords not in CHORDS:
        raise UserError(f"chords {manner.chords!r}: expected one of {', '.join(CHORDS)}")
    for name in ("f0_midi", "loudness_db"):
        if name not in ranges:
            raise UserError(f"ranges lack {name!r}; expected those of `load_ranges`")


def song_seconds(parts: Iterable[Part]) -> float:
    """Returns the duration of a song in seconds: that of its longest part plus one second.

    Args:
        parts: Parts of the song, at least one.

    Returns:
        Seconds.

    Example:
        >>> from ddsp_tf.features.transcription import Note
        >>> song_seconds([Part("", (Note(0.0, 2.0, 69.0),))])
        3.0
    """
    return max(part.end_s for part in parts) + _TAIL_SECONDS


def ensemble(
    players: Sequence[Any], curves: Sequence[Mapping[str, np.ndarray]], seed: int = 0
) -> Iterator[np.ndarray]:
    """Plays several models together, block by block.

    Args:
        players: Models from `load_player`, of one sample rate.
        curves: Curves for each model, of equal duration.
        seed: Seed of the noise of the first model; each further model has the next seed.

    Yields:
        float32 audio: the sum divided by the square root of the number of models.
    """
    voices = [
        _even(synthesize(player, own, seed + k), players[0].sample_rate)
        for k, (player, own) in enumerate(zip(players, curves, strict=True))
    ]
    gain = np.float32(len(voices) ** -0.5)
    for blocks in zip(*voices, strict=False):
        shortest = min(map(len, blocks))
        yield gain * np.sum([block[:shortest] for block in blocks], axis=0)


def _even(blocks: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Cuts audio into blocks of equal size; the last one may be shorter."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    if len(rest):
        yield rest
