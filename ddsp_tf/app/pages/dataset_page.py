"""`dataset.html`: one page to see whether recordings are fit to learn from."""

import base64
import os
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.data.manifest import PAGE_NAME, Manifest, Recording, SourceFile, as_manifest
from ddsp_tf.data.reader import DatasetReader
from ddsp_tf.files.atomic import atomic_path

EXCERPTS = 6
EXCERPT_SECONDS = 8.0


def write_page(dataset: Manifest | str | os.PathLike) -> Path:
    """Writes the page of a dataset into its folder.

    It holds the dataset's figures, histograms of pitch and loudness, a table of all recordings
    with what looks wrong with them, and the pitch found over the spectrogram of a few stretches,
    of the flagged recordings first. It is one file and needs no network.

    Args:
        dataset: A manifest or the folder of a dataset.

    Returns:
        The page.

    Raises:
        UserError: If the dataset is incomplete or the page cannot be written.
    """
    import jinja2

    from ddsp_tf.app.pages.dataset_figures import histograms_png

    manifest = as_manifest(dataset)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ddsp_tf.app.pages", package_path="."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    histograms = manifest.statistics["histograms"]
    html = environment.get_template("dataset.html.j2").render(
        title=manifest.title,
        facts=dataset_facts(manifest),
        histograms=_picture(histograms_png(histograms, manifest.frame_rate)),
        recordings=sorted(manifest.recordings, key=lambda recording: not recording.flags),
        splits={
            recording.source: _splits(manifest, recording) for recording in manifest.recordings
        },
        skipped=manifest.skipped,
        excerpts=_excerpts(manifest),
    )
    path = manifest.folder / PAGE_NAME
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path


def dataset_facts(manifest: Manifest) -> dict[str, str]:
    """Gives the figures of a dataset as text.

    Args:
        manifest: Of the dataset.

    Returns:
        Sentences by what they are about: "Recordings", "Minutes", "Pitch" and so on.
    """
    statistics, rules = manifest.statistics, manifest.rules
    given = sum(recording.seconds for recording in manifest.recordings) / 60.0
    pitch, notes, loudness = (statistics[name] for name in ("f0_hz", "f0_midi", "loudness_db"))
    tracker = manifest.extractor["pitch_tracker"]
    minutes = (f"{value:.2f} for {split}" for split, value in statistics["minutes"].items())
    level = "as recorded" if rules["normalize"] == "none" else f"gain by {rules['normalize']}"
    return {
        "Recordings": f"{len(manifest.recordings)} used, {len(manifest.skipped)} skipped",
        "Minutes": f"{given:.2f} given; {', '.join(minutes)}",
        "Voiced": f"{statistics['voiced_share']:.0%} of the frames",
        "Pitch": f"{pitch['p5']:.0f} to {pitch['p95']:.0f} Hz (MIDI {notes['p5']:.0f} to "
        f"{notes['p95']:.0f}; 5 to 95 % of the frames); all: {pitch['min']:.0f} to "
        f"{pitch['max']:.0f} Hz",
        "Loudness": f"{loudness['p5']:.0f} to {loudness['p95']:.0f} dB (5 to 95 %)",
        "Rates": f"{manifest.sample_rate} Hz, {manifest.frame_rate} frames a second",
        "Pitch tracker": f"{tracker['name']} {tracker['version']}",
        "Silence": f"{rules['silence']}, below {rules['silence_db']:g} dB; levels {level}",
    }


def _splits(manifest: Manifest, recording: Recording) -> str:
    names = {file.split for file in manifest.files if file.source == recording.source}
    return " and ".join(sorted(names))


def _excerpts(manifest: Manifest) -> list[dict[str, Any]]:
    """Draws a stretch of each of a few recordings: flagged ones, then others evenly spread."""
    from ddsp_tf.app.pages.dataset_figures import pitch_over_spectrogram_png

    flagged = [recording for recording in manifest.recordings if recording.flags]
    others = [recording for recording in manifest.recordings if not recording.flags]
    # Half of the room at most goes to flagged recordings, as long as there are others.
    chosen = flagged[: max(EXCERPTS // 2, EXCERPTS - len(others))]
    room = min(EXCERPTS - len(chosen), len(others))
    chosen += [others[k] for k in np.linspace(0, len(others) - 1, room).round().astype(int)]
    excerpts = []
    for recording in chosen:
        file = max(
            (file for file in manifest.files if file.source == recording.source),
            key=lambda file: file.frames,
        )
        arrays, first = excerpt(manifest, file)
        start = first / manifest.frame_rate
        seconds = arrays["f0_hz"].size / manifest.frame_rate
        picture = pitch_over_spectrogram_png(
            arrays, manifest.sample_rate, manifest.frame_rate, start
        )
        excerpts.append(
            {
                "name": recording.source,
                "span": f"{start:.1f} to {start + seconds:.1f} s",
                "flags": recording.flags,
                "picture": _picture(picture),
            }
        )
    return excerpts


def excerpt(manifest: Manifest, file: SourceFile) -> tuple[dict[str, np.ndarray], int]:
    """Reads some seconds from the middle of a stretch.

    Args:
        manifest: Of the dataset.
        file: One of its `files`.

    Returns:
        Tuple of the arrays, "audio" [frames * hop] and the features [frames]; and the number of
        their first frame in the recording.
    """
    reader = DatasetReader(manifest, file.split)
    frames = min(file.frames, round(EXCERPT_SECONDS * manifest.frame_rate))
    first = (file.frames - frames) // 2
    return reader.read(reader.files.index(file), first, frames), file.start_frame + first


def _picture(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
