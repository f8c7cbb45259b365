"""`dataset.html`: a page that shows whether recordings are suitable for training."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.app.pages.templates import png_uri, write_page
from ddsp_tf.data.manifest import PAGE_NAME, Manifest, as_manifest
from ddsp_tf.data.recordings import SegmentFile
from ddsp_tf.data.segments import read_segments
from ddsp_tf.evaluation.charts import histograms_png
from ddsp_tf.evaluation.figures import pitch_over_spectrogram_png
from ddsp_tf.features.transcription import Note, transcribe
from ddsp_tf.training.pitch_range import harmonics_for

EXCERPTS = 6
EXCERPT_SECONDS = 8.0


def write_dataset_page(dataset: Manifest | str | os.PathLike) -> Path:
    """Writes the page of a dataset into its folder.

    The page shows the dataset's size and ranges, histograms of pitch and loudness, a table of all
    recordings with warnings, and detected pitch and notes over the spectrograms of a few excerpts,
    starting with flagged recordings. It is a single file and needs no network.

    Args:
        dataset: Manifest or folder of a dataset.

    Returns:
        Path of the page.

    Raises:
        UserError: If the dataset is incomplete or not in a folder, or the page cannot be written.
    """
    manifest = as_manifest(dataset)
    path = manifest.loaded_folder() / PAGE_NAME
    histograms = manifest.statistics["histograms"]
    write_page(
        path,
        "dataset.html.j2",
        title=manifest.title,
        facts=dataset_facts(manifest),
        histograms=png_uri(histograms_png(histograms, manifest.frame_rate)),
        recordings=sorted(manifest.recordings, key=lambda recording: not recording.flags),
        splits=_splits(manifest),
        skipped=manifest.skipped,
        excerpts=_excerpts(manifest),
    )
    return path


def dataset_facts(manifest: Manifest) -> dict[str, str]:
    """Describes a dataset in a few lines.

    Args:
        manifest: The dataset.

    Returns:
        Text by subject: "Recordings", "Minutes", "Pitch" and so on.
    """
    statistics, rules = manifest.statistics, manifest.rules
    given = sum(recording.seconds for recording in manifest.recordings) / 60.0
    pitch, notes, loudness = (statistics[name] for name in ("f0_hz", "f0_midi", "loudness_db"))
    tracker = manifest.extractor["pitch_tracker"]
    harmonics = harmonics_for(pitch["p5"], manifest.sample_rate)
    names = {"train": "training"}
    minutes = (
        f"{value:.2f} for {names.get(split, split)}"
        for split, value in statistics["minutes"].items()
    )
    level = "as recorded" if rules["normalize"] == "none" else f"normalized to {rules['normalize']}"
    return {
        "Recordings": f"{len(manifest.recordings)} used, {len(manifest.skipped)} skipped",
        "Minutes": f"{given:.2f} recorded; {', '.join(minutes)}",
        "Voiced": f"{statistics['voiced_share']:.0%} of the frames",
        "Pitch": f"{pitch['p5']:.0f} to {pitch['p95']:.0f} Hz (MIDI {notes['p5']:.0f} to "
        f"{notes['p95']:.0f}) in 5 to 95 % of the frames; {pitch['min']:.0f} to "
        f"{pitch['max']:.0f} Hz in all",
        "Harmonics": f"{harmonics} of the lowest notes reach "
        f"{harmonics * pitch['p5'] / 1000.0:.1f} kHz (n_harmonics)",
        "Loudness": f"{loudness['p5']:.0f} to {loudness['p95']:.0f} dB in 5 to 95 % of the frames",
        "Rates": f"{manifest.sample_rate} Hz, {manifest.frame_rate} frames per second",
        "Pitch tracker": f"{tracker['name']} {tracker['version']}",
        "Silence": f"{rules['silence']}, below {rules['silence_db']:g} dB",
        "Levels": level,
    }


def _splits(manifest: Manifest) -> dict[str, str]:
    names: dict[str, set[str]] = {}
    for file in manifest.files:
        names.setdefault(file.source, set()).add(file.split)
    return {source: " and ".join(sorted(splits)) for source, splits in names.items()}


def _excerpts(manifest: Manifest) -> list[dict[str, Any]]:
    """Draws excerpts of a few recordings: flagged ones, then others, evenly spaced."""
    flagged = [recording for recording in manifest.recordings if recording.flags]
    others = [recording for recording in manifest.recordings if not recording.flags]
    # At most half of the excerpts are from flagged recordings, if there are enough others.
    chosen = flagged[: max(EXCERPTS // 2, EXCERPTS - len(others))]
    room = min(EXCERPTS - len(chosen), len(others))
    chosen += [others[k] for k in np.linspace(0, len(others) - 1, room).round().astype(int)]
    excerpts = []
    for recording in chosen:
        file = max(recording.files, key=lambda file: file.frames)
        arrays, first = excerpt(manifest, file)
        start = first / manifest.frame_rate
        seconds = arrays["f0_hz"].size / manifest.frame_rate
        rates = (manifest.sample_rate, manifest.frame_rate)
        notes = notes_of(manifest, arrays)
        picture = pitch_over_spectrogram_png(arrays, *rates, start, notes)
        excerpts.append(
            {
                "name": recording.source,
                "span": f"{start:.1f} to {start + seconds:.1f} s",
                "flags": recording.flags,
                "picture": png_uri(picture),
            }
        )
    return excerpts


def excerpt(manifest: Manifest, file: SegmentFile) -> tuple[dict[str, np.ndarray], int]:
    """Reads some seconds from the middle of a file of a recording.

    Args:
        manifest: The dataset.
        file: File of a recording, one of the manifest's `files`.

    Returns:
        Tuple of the arrays, "audio" [frames * hop] and the features [frames], and the number of
        their first frame in the recording.
    """
    number = len(file.segments) // 2
    ((start_frame, arrays),) = read_segments(manifest, file, number, 1)
    frames = min(file.segments[number].frames, round(EXCERPT_SECONDS * manifest.frame_rate))
    first = (file.segments[number].frames - frames) // 2
    hop = manifest.hop
    cut = {name: values[first : first + frames] for name, values in arrays.items()}
    cut["audio"] = arrays["audio"][first * hop : (first + frames) * hop]
    return cut, start_frame + first


def notes_of(manifest: Manifest, arrays: dict[str, np.ndarray]) -> list[Note]:
    """Finds the notes of an excerpt.

    Args:
        manifest: The dataset.
        arrays: Arrays from `excerpt`.

    Returns:
        Notes, with times counted from the excerpt's first frame.
    """
    return transcribe(arrays, manifest.frame_rate, arrays["audio"], manifest.sample_rate)
