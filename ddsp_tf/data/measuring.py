"""One recording to features, records and a verdict. The same for every way of running it."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.data.checks import flags, unperiodic_share, voicing
from ddsp_tf.data.manifest import SCHEMA_VERSION, Recording
from ddsp_tf.data.parts import Outcome, save_outcome
from ddsp_tf.data.records import segments, write_records
from ddsp_tf.data.rules import MINIMUM_SECONDS, PreparationRules, runs
from ddsp_tf.data.selection import Candidate, reason_without_name
from ddsp_tf.data.staging import StagedAudio
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FEATURES, FeatureExtractor
from ddsp_tf.features.pitch_range import range_advice
from ddsp_tf.version import __version__

SEGMENT_SECONDS = 20.0
CHUNK_SECONDS = 240.0
CONTEXT_SECONDS = 10.0
_DECODING_SHARE = 0.1
# What `range_advice` listens to of any recording, however long.
_EXCERPTS, _EXCERPT_SECONDS = 16, 0.4


@dataclass(frozen=True)
class Task:
    """A recording to measure, and how.

    Attributes:
        path: The recording.
        source: Its name in the dataset.
        sha256: Of its bytes.
        extractor: Measures it.
        rules: For silence and levels.
    """

    path: Path
    source: str
    sha256: str
    extractor: FeatureExtractor
    rules: PreparationRules

    @classmethod
    def of(
        cls, candidate: Candidate, extractor: FeatureExtractor, rules: PreparationRules
    ) -> "Task":
        """Makes the task of measuring a candidate."""
        return cls(candidate.path, candidate.source, candidate.sha256, extractor, rules)

    @property
    def key(self) -> str:
        """Hash of all that decides the outcome: content, name, settings and version."""
        content = {
            "sha256": self.sha256,
            "source": self.source,
            "extractor": self.extractor.describe(),
            "rules": self.rules.describe(),
            "version": [SCHEMA_VERSION, __version__],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def segment_frames(frame_rate: float) -> int:
    """Gives the frames of the longest record."""
    return max(1, int(SEGMENT_SECONDS * frame_rate))


def measure(
    task: Task, folder: Path, on_share: Callable[[float], None] = lambda share: None
) -> Outcome:
    """Measures a recording, and leaves the outcome in a folder.

    The recording is decoded to a temporary file there and measured in chunks of at most four
    minutes that overlap by ten seconds at either side, so memory does not grow with its length.

    Args:
        task: What to measure.
        folder: Gets `<key>.records` and, as the last thing, `<key>.json`; a recording that
            cannot be used has no records.
        on_share: Called now and then with the share done, 0..1; whatever it raises ends the work.

    Returns:
        What was saved.

    Raises:
        OSError: If the folder cannot be written.
    """
    staging = folder / f".{task.key}.{os.getpid()}.staged"
    records = folder / f".{task.key}.{os.getpid()}.records"
    try:
        staged = StagedAudio(
            task.path,
            staging,
            task.extractor.sample_rate,
            task.rules,
            lambda share: on_share(_DECODING_SHARE * share),
        )
        outcome = _measure_staged(
            task,
            staged,
            records,
            lambda share: on_share(_DECODING_SHARE + (1.0 - _DECODING_SHARE) * share),
        )
    except UserError as error:
        outcome = Outcome(problem=reason_without_name(error, task.path))
    except BaseException:
        records.unlink(missing_ok=True)
        raise
    finally:
        staging.unlink(missing_ok=True)
    save_outcome(folder, task.key, outcome, records)
    return outcome


def _measure_staged(
    task: Task, staged: StagedAudio, records: Path, on_share: Callable[[float], None]
) -> Outcome:
    extractor, rules = task.extractor, task.rules
    features = _features(staged, extractor, on_share)
    recording = _recording(task, staged, features)
    kept = rules.kept(features["power_db"], extractor.frame_rate)
    frames = sum(last - first for first, last in kept)
    if frames < MINIMUM_SECONDS * extractor.frame_rate:
        raise UserError(
            f"only {frames / extractor.frame_rate:.3g} s of it are louder than "
            f"{rules.silence_db:g} dB; expected {MINIMUM_SECONDS:g} s or more"
        )
    advice = _range_advice(staged, extractor) if _doubtful(recording, extractor) else None
    if not recording["voiced_share"]:
        hint = f"; {advice}" if advice else "; expected one voice or instrument that plays"
        raise UserError(f"no pitch found anywhere{hint}")
    if advice:
        recording["flags"] += (f"out of range: {advice}",)

    def pieces() -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        for stretch in kept:
            for first, last in segments(*stretch, segment_frames(extractor.frame_rate)):
                arrays = {name: features[name][first:last] for name in FEATURES}
                arrays["audio"] = staged.read(first * extractor.hop, (last - first) * extractor.hop)
                yield first, arrays

    rows = write_records(records, pieces(), task.source, extractor.sample_rate)
    kept_seconds = round(frames / extractor.frame_rate, 6)
    return Outcome(rows=rows, recording=Recording(**recording, kept_seconds=kept_seconds))


def _features(
    staged: StagedAudio, extractor: FeatureExtractor, on_share: Callable[[float], None]
) -> dict[str, np.ndarray]:
    """Measures all frames, chunk by chunk."""
    hop, rate = extractor.hop, extractor.frame_rate
    frames = staged.samples // hop
    features = {name: np.zeros(frames, np.float32) for name in FEATURES}
    context = round(CONTEXT_SECONDS * rate)
    chunks = list(segments(0, frames, max(1, round(CHUNK_SECONDS * rate))))
    for first, last in chunks:
        start, stop = max(0, first - context), min(frames, last + context)
        end = staged.samples if stop == frames else stop * hop
        found = extractor.extract(staged.read(start * hop, end - start * hop))
        for name in FEATURES:
            features[name][first:last] = found[name][first - start : last - start]
        on_share(last / frames)
    if len(chunks) > 1:
        _hold_pitch(features["f0_hz"])
    return features


def _hold_pitch(f0_hz: np.ndarray) -> None:
    """Holds the pitch before (or else after) where a chunk had none."""
    for first, last in runs(f0_hz <= 0.0):
        if first or last < f0_hz.size:
            f0_hz[first:last] = f0_hz[first - 1] if first else f0_hz[last]


def _doubtful(recording: dict[str, Any], extractor: FeatureExtractor) -> bool:
    """Tells whether the pitches found might come from others outside the tracker's range.

    A pitch that is too low is answered by an overtone, whose period is not the sound's; one that
    is too high by nothing, or by a half or a third of it.
    """
    lowest_hz, highest_hz = extractor.tracker.range_hz
    return (
        recording["voiced_share"] < 0.9
        or recording["unperiodic_share"] > 0.05
        or recording["f0_low_hz"] < 2.0 * lowest_hz
        or recording["f0_high_hz"] > highest_hz / 3.0
    )


def _range_advice(staged: StagedAudio, extractor: FeatureExtractor) -> str | None:
    """Asks whether the tracker can hear such pitches, by excerpts spread over the recording."""
    if extractor.tracker.range_hz == (0.0, math.inf):
        return None
    size = round(_EXCERPT_SECONDS * extractor.sample_rate)
    if staged.samples <= _EXCERPTS * size:
        sound = staged.read(0, staged.samples)
    else:
        starts = np.linspace(0, staged.samples - size, _EXCERPTS).astype(np.int64)
        sound = np.concatenate([staged.read(int(start), size) for start in starts])
    return range_advice(sound, extractor.sample_rate, extractor.tracker)


def _recording(task: Task, staged: StagedAudio, features: dict[str, np.ndarray]) -> dict[str, Any]:
    """Describes a recording, all but how much of it is kept."""
    extractor, decoder, silence_db = task.extractor, staged.decoder, task.rules.silence_db
    voiced = voicing(features, silence_db)
    measures = {
        "clipped_share": round(decoder.clipped_share, 6),
        "mono_loss_db": decoder.mono_loss_db,
        "silent_share": voiced["silent_share"],
        "voiced_share": voiced["voiced_share"],
        "unperiodic_share": unperiodic_share(
            staged.read, features, extractor.sample_rate, extractor.hop, silence_db
        ),
    }
    return {
        "source": task.source,
        "sha256": task.sha256,
        "seconds": round(staged.samples / extractor.sample_rate, 6),
        "file_rate": decoder.file_rate,
        "channels": decoder.channels,
        "gain_db": staged.gain_db,
        "peak_db": round(20.0 * float(np.log10(max(decoder.channel_peak, 1e-10))), 2),
        **voiced,
        **measures,
        "flags": flags(**measures),
    }
