"""The tracks of a MIDI file, and the models that play them."""

import dataclasses
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ddsp_tf.app.project import player_of
from ddsp_tf.audio.writing import output_format
from ddsp_tf.errors import UserError
from ddsp_tf.expression.parts import Part, one_voice
from ddsp_tf.inference.bundled import resolve_model
from ddsp_tf.inference.expression_files import NAME as EXPRESSION_NAME
from ddsp_tf.inference.expression_files import PlayersExpression, load_expression
from ddsp_tf.inference.output_file import check_output
from ddsp_tf.inference.playing import load_player, load_ranges, write_blocks
from ddsp_tf.inference.songs import Manner, ensemble, song_curves, song_seconds
from ddsp_tf.typing import Mixture

Chosen = list[tuple[Part, Path]]
_MOST_LISTED = 16


def choose_tracks(
    path: str | os.PathLike,
    parts: Sequence[Part],
    tracks: Sequence[str],
    model: str | os.PathLike,
    on_note: Callable[[str], None] = warnings.warn,
) -> Chosen:
    """Chooses the tracks of a song, and the model that plays each.

    Args:
        path: MIDI file, for messages.
        parts: Parts of the file, from `read_midi`.
        tracks: Tracks to play, each "NUMBER", counted from 0, or "NUMBER=MODEL"; none for the first
            one.
        model: Model that plays tracks for which none is named.
        on_note: Function called with a sentence if some tracks of the file are not played.

    Returns:
        Pairs of a part and the path of a model. A part without a name gets its number as one.

    Raises:
        UserError: If a track does not exist or is named twice.

    Example:
        >>> melody, bass = Part("melody", ()), Part("bass", ())
        >>> chosen = choose_tracks("song.mid", [melody, bass], ["1=my_cello", "0"], "my_violin")
        >>> [(part.name, path.name) for part, path in chosen]
        [('bass', 'my_cello'), ('melody', 'my_violin')]
    """
    listed = [
        f"{k} ({part.name or 'no name'}, {len(part.notes)} notes)"
        for k, part in enumerate(parts[:_MOST_LISTED])
    ]
    more = [f"{len(parts) - _MOST_LISTED} more"] if len(parts) > _MOST_LISTED else []
    names = ", ".join(listed + more)
    if not tracks and len(parts) > 1:
        on_note(f"{path}: track 0 is played; there are {names}")
    chosen: dict[int, Path] = {}
    for track in tracks or ("0",):
        match = re.fullmatch(r"(\d{1,6})(?:=(.+))?", track)
        if match is None or int(match[1]) >= len(parts):
            raise UserError(f"track {track!r}: not in {path}; expected a number among {names}")
        number = int(match[1])
        if number in chosen:
            raise UserError(f"track {number}: named twice; expected each track once")
        chosen[number] = player_of(resolve_model(match[2] or model))
    return [
        (dataclasses.replace(parts[number], name=parts[number].name or str(number)), path)
        for number, path in chosen.items()
    ]


def check_one_voice(path: str | os.PathLike, chosen: Chosen) -> None:
    """Checks that no track has two notes at once.

    Args:
        path: MIDI file, for messages.
        chosen: Tracks from `choose_tracks`.

    Raises:
        UserError: If a track has two notes at once. The message names the file, the track and the
            time.

    Example:
        >>> check_one_voice("song.mid", [(Part("melody", ()), Path("my_violin"))])
    """
    for part, _ in chosen:
        try:
            one_voice(part.notes, "error")
        except UserError as error:
            name = f"track {part.name!r}: " if part.name else ""
            raise UserError(f"{path}: {name}{error}") from error


def play_song(
    chosen: Chosen,
    out: str | os.PathLike,
    manner: Manner | None = None,
    expression_of: str | os.PathLike | None = None,
    mixtures: Mapping[Path, Mixture] | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
) -> tuple[float, int]:
    """Plays the tracks of a song together into an audio file.

    Args:
        chosen: Parts and the paths of the models that play them.
        out: Audio file to write; its suffix decides the format, such as .wav or .flac.
        manner: Manner of playing; None for the defaults.
        expression_of: Model whose expression shapes all parts; None for that of each part's own
            model, or plain notes if it has none.
        mixtures: Instruments that play, for models with several, by the model's path; see
            `load_player`.
        on_progress: Function called with the whole seconds done.
        on_warning: Function called with the text of a warning.

    Returns:
        Tuple of the seconds of audio written and the samples per second.

    Raises:
        UserError: If a model cannot be loaded, the models have several sample rates, a part cannot
            be played, or the file cannot be written.

    Example:
        >>> parts = read_midi("song.mid")  # doctest: +SKIP
        >>> play_song([(parts[0], instrument("violin"))], "song.wav")  # doctest: +SKIP
    """
    manner = manner or Manner()
    check_output(out, [path for _, path in chosen])
    choices = mixtures or {}
    loaded = {path: load_player(path, choices.get(path))[0] for _, path in chosen}
    players = [loaded[path] for _, path in chosen]
    rates = {player.sample_rate: path for path, player in loaded.items()}
    if len(rates) > 1:
        listed = ", ".join(f"{path} {rate} Hz" for rate, path in rates.items())
        raise UserError(f"models of several sample rates: {listed}; expected one")
    sample_rate = players[0].sample_rate
    output_format(out, sample_rate)
    seconds = song_seconds(part for part, _ in chosen)
    borrowed = _borrowed(expression_of)
    curves = [
        song_curves(
            part,
            player,
            load_ranges(path),
            manner,
            borrowed or load_expression(path),
            seconds,
            on_warning,
        )
        for (part, path), player in zip(chosen, players, strict=True)
    ]
    blocks = ensemble(players, curves, manner.seed)
    return write_blocks(blocks, sample_rate, out, on_progress, on_warning), sample_rate


def _borrowed(model: str | os.PathLike | None) -> PlayersExpression | None:
    if model is None:
        return None
    path = player_of(resolve_model(model))
    expression = load_expression(path)
    if expression is None:
        raise UserError(f"{path}: has no expression ({EXPRESSION_NAME}); name a trained run")
    return expression
