"""Measures one recording: features, segments and flags, the same in every runner."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.audio.decoding import SILENT_PEAK_DB
from ddsp_tf.audio.reading import check_length
from ddsp_tf.audio.staging import StagedAudio
from ddsp_tf.data.checks import aperiodic_share, flags, misheard, voicing
from ddsp_tf.data.recordings import Recording
from ddsp_tf.data.rules import MINIMUM_SECONDS, PreparationRules
from ddsp_tf.data.segments import Arrays, divided, segment_frames, write_segments
from ddsp_tf.errors import UserError
from ddsp_tf.features.extraction_processes import Extract
from ddsp_tf.features.extractor import FEATURES, FeatureExtractor
from ddsp_tf.features.notes import spans
from ddsp_tf.files.names import reason_without_name

# A recording is measured in sections of this length, with context on both sides.
SECTION_SECONDS = 240.0
CONTEXT_SECONDS = 10.0
_DECODING_SHARE = 0.1


def measure(
    recording: Recording,
    extractor: FeatureExtractor,
    rules: PreparationRules,
    folder: Path,
    on_share: Callable[[float], None] = lambda share: None,
    extract: Extract = FeatureExtractor.extract,
) -> Recording:
    """Measures a recording, and writes its segments to `<key>.tfrecord` in a folder.

    The recording is decoded to a temporary file there and measured in sections of at most four
    minutes with ten seconds of context, so memory does not grow with its length. `on_share` is
    called regularly with the share done, 0..1; an exception from it ends the work. The returned
    recording is "measured", or "skipped" with a reason.
    """
    staging = folder / f".{recording.key}.{os.getpid()}.staged"
    path = Path(recording.path or recording.source)
    try:
        try:
            staged = StagedAudio(
                path,
                staging,
                extractor.sample_rate,
                rules.channel,
                lambda share: on_share(_DECODING_SHARE * share),
            )
            _set_gain(staged, path, rules)
            features = _features(staged, extractor, on_share, extract)
            kept = _kept(features, extractor, rules)
            judged = _judged(recording, staged, features, extractor, rules)
        except UserError as error:
            return replace(recording, status="skipped", reason=reason_without_name(error, path))
        file = write_segments(
            folder / f"{recording.key}.tfrecord",
            _segments(staged, features, kept, extractor),
            source=recording.source,
            split="train",
            sample_rate=extractor.sample_rate,
        )
        seconds = round(file.frames / extractor.frame_rate, 6)
        return replace(judged, status="measured", kept_seconds=seconds, files=(file,))
    finally:
        staging.unlink(missing_ok=True)


def _set_gain(staged: StagedAudio, path: Path, rules: PreparationRules) -> None:
    check_length(path, staged.samples, staged.decoder.sample_rate, MINIMUM_SECONDS)
    peak_db = 20.0 * np.log10(max(staged.peak, 1e-10))
    if peak_db < SILENT_PEAK_DB:
        raise UserError(
            f"{path}: too quiet: peaks at {peak_db:.0f} dBFS; expected {SILENT_PEAK_DB:g} dBFS or "
            "more; record it louder, or raise its gain if it is not silent"
        )
    staged.gain_db = rules.gain_db(staged.peak, staged.block_powers)


def _kept(
    features: Arrays, extractor: FeatureExtractor, rules: PreparationRules
) -> list[tuple[int, int]]:
    kept = rules.kept(features["power_db"], extractor.frame_rate)
    frames = sum(last - first for first, last in kept)
    if frames < MINIMUM_SECONDS * extractor.frame_rate:
        raise UserError(
            f"only {frames / extractor.frame_rate:.3g} s of it are louder than "
            f"{rules.silence_db:g} dB; expected {MINIMUM_SECONDS:g} s or more"
        )
    return kept


def _judged(
    recording: Recording,
    staged: StagedAudio,
    features: Arrays,
    extractor: FeatureExtractor,
    rules: PreparationRules,
) -> Recording:
    decoder = staged.decoder
    numbers: dict[str, Any] = {
        "seconds": round(staged.samples / extractor.sample_rate, 6),
        "file_rate": decoder.file_rate,
        "channels": decoder.channels,
        "gain_db": staged.gain_db,
        "peak_db": round(20.0 * float(np.log10(max(decoder.channel_peak, 1e-10))), 2),
        "mono_loss_db": decoder.mono_loss_db,
        "clipped_share": round(decoder.clipped_share, 6),
        **voicing(features, rules.silence_db),
        "aperiodic_share": aperiodic_share(
            staged.read, features, extractor.sample_rate, extractor.hop, rules.silence_db
        ),
    }
    hints = misheard(staged.read, staged.samples, features, extractor)
    if not numbers["voiced_share"]:
        hint = "; ".join(hints) or "expected one voice or instrument that plays"
        raise UserError(f"no pitch found anywhere; {hint}")
    return replace(recording, flags=(*flags(**numbers), *hints), **numbers)


def _segments(
    staged: StagedAudio, features: Arrays, kept: list[tuple[int, int]], extractor: FeatureExtractor
) -> Iterator[tuple[int, Arrays]]:
    hop, longest = extractor.hop, segment_frames(extractor.frame_rate)
    for begin, end in kept:
        for first, last in divided(begin, end, longest):
            arrays = {name: features[name][first:last] for name in FEATURES}
            yield first, {**arrays, "audio": staged.read(first * hop, (last - first) * hop)}


def _features(
    staged: StagedAudio,
    extractor: FeatureExtractor,
    on_share: Callable[[float], None],
    extract: Extract,
) -> Arrays:
    """Measures all frames, section by section."""
    hop, rate, frames = extractor.hop, extractor.frame_rate, staged.samples // extractor.hop
    features = {name: np.zeros(frames, np.float32) for name in FEATURES}
    context = round(CONTEXT_SECONDS * rate)
    sections = list(divided(0, frames, max(1, round(SECTION_SECONDS * rate))))
    for first, last in sections:
        start, stop = max(0, first - context), min(frames, last + context)
        end = staged.samples if stop == frames else stop * hop
        found = extract(extractor, staged.read(start * hop, end - start * hop))
        for name in FEATURES:
            features[name][first:last] = found[name][first - start : last - start]
        on_share(_DECODING_SHARE + (1.0 - _DECODING_SHARE) * last / frames)
    if len(sections) > 1:
        _hold_pitch(features["f0_hz"])
    return features


def _hold_pitch(f0_hz: np.ndarray) -> None:
    """Fills sections without pitch with the pitch before them or, at the start, after them."""
    for first, last in spans(f0_hz <= 0.0):
        if first or last < f0_hz.size:
            f0_hz[first:last] = f0_hz[first - 1] if first else f0_hz[last]
