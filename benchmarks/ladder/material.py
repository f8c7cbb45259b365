"""Recordings for the ladder, cut into clips or changed as a rung needs them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ddsp_tf.app.recordings import recording
from ddsp_tf.audio.finding import find_audio
from ddsp_tf.audio.reading import read_audio
from ddsp_tf.audio.writing import write_audio

_LEAST_CLIPS = 10
_QUIET_DB = -50.0


@dataclasses.dataclass(frozen=True)
class Material:
    """Recordings of one instrument.

    Attributes:
        name: Name in tables and folders.
        train: Files to learn from.
        held_out: Files never trained on.
    """

    name: str
    train: tuple[Path, ...]
    held_out: tuple[Path, ...]


def bundled_violin() -> Material:
    """The violin that comes with the package, and its unseen phrase."""
    return Material("violin", (recording("violin"),), (recording("violin_unseen"),))


def given(folder: Path, held_out: Path | None) -> Material:
    """Returns the recordings of a folder; if none are given to hold out, every sixth is held out.

    Args:
        folder: Folder with audio files.
        held_out: Folder with audio files that are not trained on.
    """
    files = find_audio(folder).audio
    if held_out is not None:
        return Material(folder.resolve().name, tuple(files), tuple(find_audio(held_out).audio))
    if len(files) < 2:
        # One recording is divided in time by `cut`.
        return Material(folder.resolve().name, tuple(files), ())
    return Material(
        folder.resolve().name,
        tuple(file for number, file in enumerate(files) if number % 6 != 5),
        tuple(files[5::6] or files[-1:]),
    )


def clips_of(files: Sequence[Path], seconds: float, most: int, rate: int) -> list[np.ndarray]:
    """Cuts recordings into clips: one from the start of each, or all consecutive ones.

    Args:
        files: Recordings.
        seconds: Length of a clip.
        most: Largest number of clips.
        rate: Sample rate of the clips in Hz.

    Returns:
        Clips that are not silent, [samples] each.
    """
    length = round(seconds * rate)
    of_file = []
    for file in files:
        audio = read_audio(file, rate)
        pieces = [
            audio[first : first + length] for first in range(0, len(audio) - length + 1, length)
        ]
        of_file.append([piece for piece in pieces if level_db(piece) > _QUIET_DB])
    each = 1 if len(files) >= _LEAST_CLIPS else most
    # In turn, so that every file is represented even by few clips.
    in_turn = [
        pieces[number]
        for number in range(max((len(pieces) for pieces in of_file), default=0))
        for pieces in of_file
        if number < min(len(pieces), each)
    ]
    return in_turn[:most]


def full_passages(files: Sequence[Path], seconds: float, rate: int, most: int) -> list[np.ndarray]:
    """Finds passages of the first recording without silence, starting with the fullest.

    Args:
        files: Recordings.
        seconds: Length of a passage.
        rate: Sample rate of the passages in Hz.
        most: Largest number of passages. Only the first may have silence in it; none overlap.

    Returns:
        [samples] each.
    """
    audio, length = read_audio(files[0], rate), round(seconds * rate)
    softest = {}
    for start in range(0, max(len(audio) - length, 0) + 1, rate // 2):
        blocks = audio[start : start + length]
        blocks = blocks[: len(blocks) // 800 * 800].reshape(-1, 800)
        softest[start] = np.percentile([level_db(block) for block in blocks], 10)
    starts = []
    for start in sorted(softest, key=softest.get, reverse=True):
        apart = all(abs(start - other) >= length for other in starts)
        if not starts or (apart and softest[start] > _QUIET_DB):
            starts.append(start)
    return [audio[start : start + length] for start in starts[:most]]


def write_clips(clips: Sequence[np.ndarray], folder: Path, rate: int) -> Path:
    """Writes clips as clip_00.wav and so on; returns the folder."""
    for number, clip in enumerate(clips):
        write_audio(folder / f"clip_{number:02d}.wav", clip, rate)
    return folder


def level_db(audio: np.ndarray) -> float:
    """Mean power in dB of full scale."""
    return float(10.0 * np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-12))


def room_response(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Returns the impulse response of a room without the direct sound: decaying noise.

    Args:
        seconds: Time in which it falls by 60 dB; also its length.
        rate: Sample rate in Hz.
        seed: Seed of the noise.

    Returns:
        [taps]; the first 2 ms are silent. Its energy is half of the direct sound's.
    """
    taps = np.arange(round(seconds * rate))
    response = np.random.default_rng(seed).normal(size=taps.size) * 10.0 ** (
        -3.0 * taps / taps.size
    )
    response[: rate // 500] = 0.0
    return (np.sqrt(0.5) * response / np.linalg.norm(response)).astype(np.float32)


def with_noise_and_room(audio: np.ndarray, rate: int, seed: int) -> np.ndarray:
    """Adds the hiss of a bow, 12 dB below the level, and the reverb of a room.

    Args:
        audio: Audio [samples].
        rate: Sample rate in Hz.
        seed: Seed of the hiss; the room is always the same.

    Returns:
        [samples].
    """
    # The level over 20 ms.
    window = np.hanning(2 * (rate // 100) + 1)
    envelope = np.sqrt(np.convolve(np.square(audio), window / window.sum(), "same"))
    hiss = np.random.default_rng(seed).normal(size=audio.shape)
    # High-pass filtered, as the hiss of a bow.
    hiss = np.diff(hiss, prepend=0.0) / np.sqrt(2.0)
    dry = audio + 10.0 ** (-12.0 / 20.0) * envelope * hiss
    room = np.concatenate([[1.0], room_response(0.25, rate)[1:]])
    size = 1 << (len(dry) + len(room) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(room, size), size)[: len(dry)]
    return (0.8 * wet).astype(np.float32)
