"""Players and pictures as output of a cell."""

import html
from collections.abc import Mapping

import numpy as np

_WIDTH = 860


def show_sounds(sounds: Mapping[str, np.ndarray], sample_rate: int, pictures: bool = True):
    """Shows a player and a spectrogram of each sound.

    All sounds get the same gain, and all spectrograms the same colours, so that they can be
    compared.

    Args:
        sounds: Dictionary from name to samples [samples].
        sample_rate: Samples per second.
        pictures: Whether to show spectrograms.

    Example:
        >>> show_sounds({"a tone": np.sin(np.arange(16000))}, 16000)  # doctest: +SKIP
    """
    from IPython.display import HTML, display

    from ddsp_tf.evaluation.figures import spectrogram_levels_db, spectrogram_png

    sounds = {name: np.ravel(np.asarray(audio, np.float32)) for name, audio in sounds.items()}
    gain = gain_for(sounds.values())
    if pictures:
        tops = [spectrogram_levels_db(audio, sample_rate).max() for audio in sounds.values()]
        duration = max(len(audio) for audio in sounds.values()) / sample_rate
    for name, audio in sounds.items():
        display(
            HTML(f"<div><b>{html.escape(name)}</b></div>{player_html(gain * audio, sample_rate)}")
        )
        if pictures:
            top_db = max(-100.0, *tops)
            _show_png(spectrogram_png(audio, sample_rate, top_db=top_db, duration=duration))


def gain_for(sounds) -> float:
    """Returns the gain that brings the loudest sound to full scale; 1 if all are silent."""
    peak = max((float(np.abs(audio).max(initial=0.0)) for audio in sounds), default=0.0)
    return 0.95 / peak if peak > 0.0 else 1.0


def player_html(audio: np.ndarray, sample_rate: int) -> str:
    """Returns the HTML of a player with its sound embedded.

    Args:
        audio: Samples [samples] in -1..1.
        sample_rate: Samples per second.

    Returns:
        Text of an <audio> element.

    Example:
        >>> "<audio" in player_html(np.zeros(100), 16000)  # doctest: +SKIP
        True
    """
    from IPython.display import Audio

    return Audio(audio, rate=sample_rate, normalize=False)._repr_html_()


def show_curves(curves: Mapping[str, Mapping[str, np.ndarray]], frame_rate: float):
    """Draws pitch and loudness of one or more sounds in one picture.

    Args:
        curves: Dictionary from the name of each sound to its features "f0_hz", "loudness_db" and,
            optionally, "f0_confidence"; [frames] each.
        frame_rate: Frames per second.

    Example:
        >>> melody = {"f0_hz": np.full(100, 440.0), "loudness_db": np.full(100, -20.0)}
        >>> show_curves({"a melody": melody}, 100)  # doctest: +SKIP
    """
    from ddsp_tf.evaluation.figures import feature_curves_png

    complete = {
        name: {
            "f0_hz": one["f0_hz"],
            "f0_confidence": one.get("f0_confidence", np.ones(len(one["f0_hz"]))),
            "loudness_db": one["loudness_db"],
        }
        for name, one in curves.items()
    }
    _show_png(feature_curves_png(complete, frame_rate))


def show_dataset(manifest, excerpts: int = 2):
    """Shows a dataset: numbers, flags, histograms, and excerpts to hear and see.

    Args:
        manifest: Manifest from `prepare_dataset` or `Chain.prepare`.
        excerpts: Number of recordings to show an excerpt of, flagged ones first.

    Example:
        >>> show_dataset(manifest)  # doctest: +SKIP
    """
    from IPython.display import HTML, display

    from ddsp_tf.app.pages.dataset_page import dataset_facts, excerpt, notes_of
    from ddsp_tf.evaluation.charts import histograms_png
    from ddsp_tf.evaluation.figures import pitch_over_spectrogram_png

    for name, fact in dataset_facts(manifest).items():
        print(f"{name}: {fact}")
    for recording in manifest.recordings:
        for flag in recording.flags:
            print(f"Look at {recording.source}: {flag}")
    for skipped in manifest.skipped:
        print(f"Skipped {skipped.source}: {skipped.reason}")
    _show_png(histograms_png(manifest.statistics["histograms"], manifest.frame_rate))
    rate, frame_rate = manifest.sample_rate, manifest.frame_rate
    by_flags = sorted(manifest.recordings, key=lambda recording: not recording.flags)
    for recording in by_flags[:excerpts]:
        own = recording.files
        arrays, first = excerpt(manifest, max(own, key=lambda file: file.frames))
        audio = arrays["audio"]
        player = player_html(gain_for([audio]) * audio, rate)
        display(HTML(f"<div><b>{html.escape(recording.source)}</b></div>{player}"))
        start, notes = first / frame_rate, notes_of(manifest, arrays)
        _show_png(pitch_over_spectrogram_png(arrays, rate, frame_rate, start, notes))


def _show_png(png: bytes):
    from IPython.display import Image, display

    display(Image(data=png, format="png", width=_WIDTH))
