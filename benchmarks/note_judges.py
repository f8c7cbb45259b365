"""Notes detected in a sound, by this library and by basic-pitch as an independent judge."""

import logging
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from mir_eval.transcription import match_notes

from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.transcription import Note, transcribe

FRAME_RATE = 100


class Notes(NamedTuple):
    """Spans in seconds [notes, 2] and pitches in Hz [notes]."""

    spans: np.ndarray
    hz: np.ndarray


def notes_from(rows: Sequence[tuple[float, float, float]]) -> Notes:
    """Makes notes of rows of start, end and pitch in Hz."""
    values = np.array(rows, np.float64).reshape(-1, 3)
    return Notes(values[:, :2], values[:, 2])


def notes_of(notes: Sequence[Note]) -> Notes:
    """Makes notes of those of this library."""
    return notes_from([(n.onset_s, n.offset_s, _hz(n.midi)) for n in notes])


def heard_by_ours(audio: np.ndarray, sample_rate: int) -> Notes:
    """Finds notes as `ddsp-tf notes` does."""
    features = FeatureExtractor(sample_rate, FRAME_RATE, "auto").extract(audio)
    return notes_of(transcribe(features, FRAME_RATE, audio, sample_rate))


def heard_by_basic_pitch(audio: np.ndarray, sample_rate: int) -> Notes:
    """Finds notes as basic-pitch does with its own settings, several at once included."""
    logging.disable(logging.WARNING)  # Warnings about runtimes that it does not need.
    from basic_pitch import FilenameSuffix, build_icassp_2022_model_path
    from basic_pitch.inference import predict

    logging.disable(logging.NOTSET)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        soundfile.write(path, audio, sample_rate)
        *_, found = predict(path, build_icassp_2022_model_path(FilenameSuffix.onnx))
    return notes_from(sorted((start, end, _hz(midi)) for start, end, midi, *_ in found))


def judges() -> dict[str, Callable[[np.ndarray, int], Notes]]:
    """Returns the judges that are installed, by name; `make slow` installs basic-pitch."""
    found = {"ours": heard_by_ours}
    if find_spec("basic_pitch") is not None:
        found["basic-pitch"] = heard_by_basic_pitch
    return found


def f_measure(wanted: Sequence[Notes], heard: Sequence[Notes]) -> float:
    """F of the onsets (50 ms) and pitches (50 cents) of several sounds together."""
    notes = sum(len(one.hz) + len(other.hz) for one, other in zip(wanted, heard, strict=True))
    return 2.0 * _matched(wanted, heard) / notes


def recall(wanted: Sequence[Notes], heard: Sequence[Notes]) -> float:
    """Share of the notes that were detected."""
    return _matched(wanted, heard) / sum(len(one.hz) for one in wanted)


def precision(wanted: Sequence[Notes], heard: Sequence[Notes]) -> float:
    """Share of the detected notes that are correct."""
    return _matched(wanted, heard) / max(sum(len(one.hz) for one in heard), 1)


def _matched(wanted: Sequence[Notes], heard: Sequence[Notes]) -> int:
    pairs = zip(wanted, heard, strict=True)
    return sum(
        len(match_notes(*one, *other, offset_ratio=None)) for one, other in pairs if len(other.hz)
    )


def _hz(midi: float) -> float:
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
