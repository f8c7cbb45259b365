"""Pictures of sound and of features, as PNG files in memory."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ddsp_tf.dsp.mel import hz_to_mel, mel_to_hz
from ddsp_tf.evaluation.style import (
    AMBER,
    BLUE,
    STROKES,
    Panel,
    add_legend,
    note_name,
    style_axes,
    timeline,
    to_png,
)
from ddsp_tf.features.frames import all_frames
from ddsp_tf.features.periodicity import power_spectrum
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.features.transcription import Note

RANGE_DB = 80.0

_ROWS = 96
_COLUMNS = 600
_PARTIALS_SHOWN = 6
# Pitch with a lower confidence is drawn faintly.
_SURE = 0.8


def spectrogram_levels_db(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Measures the levels of a sound over time and mel-spaced frequency.

    Args:
        audio: Samples [samples], float.
        sample_rate: Samples per second.

    Returns:
        Levels [rows, columns] in dB, from 0 Hz up to the Nyquist frequency: the mean power in each
        row's band, where a sine of amplitude 1 has 0 dB in its own bin and silence has -200 dB.

    Example:
        >>> spectrogram_levels_db(np.zeros(16000), 16000).max().item()
        -200.0
    """
    window_size = 2 ** round(np.log2(0.064 * sample_rate))
    window = np.hanning(window_size + 1)[:-1]
    hop = max(window_size // 16, -(-len(audio) // _COLUMNS))
    frames = all_frames(np.asarray(audio), window_size, hop)
    power = power_spectrum(frames, window / (0.5 * window.sum()), window_size)
    rows = _mel_weights(window_size // 2 + 1, sample_rate) @ power.T
    return 10.0 * np.log10(np.maximum(rows, 1e-20))


def spectrogram_png(
    audio: np.ndarray,
    sample_rate: int,
    *,
    top_db: float | None = None,
    duration: float | None = None,
) -> bytes:
    """Draws a spectrogram, 80 dB deep, on a mel-spaced frequency axis.

    Args:
        audio: Samples [samples], float, finite.
        sample_rate: Samples per second.
        top_db: Level of the brightest color, the same for all stems of a clip; by default the
            highest level of `audio`.
        duration: Length of the time axis in seconds; by default the length of `audio`.

    Returns:
        Content of a PNG file.

    Example:
        >>> spectrogram_png(np.zeros(16000), 16000)[1:4]
        b'PNG'
    """
    (picture,) = spectrogram_pngs([audio], sample_rate, top_db=top_db, duration=duration)
    return picture


def spectrogram_pngs(
    sounds: Iterable[np.ndarray],
    sample_rate: int,
    *,
    top_db: float | None = None,
    duration: float | None = None,
) -> Iterator[bytes]:
    """Draws spectrograms of several sounds on the same axes, in a third of the time for each.

    Args:
        sounds: Sounds, each as for `spectrogram_png`.
        sample_rate: Samples per second.
        top_db: Level of the brightest color; by default the highest level of each sound.
        duration: Length of the time axis in seconds; by default the length of the first sound.

    Yields:
        Content of a PNG file for each sound.

    Example:
        >>> pictures = list(spectrogram_pngs([np.zeros(16000), np.ones(16000)], 16000))
        >>> len(pictures), pictures[0] == spectrogram_png(np.zeros(16000), 16000)
        (2, True)
    """
    panel = None
    for audio in sounds:
        seconds = len(audio) / sample_rate
        if panel is None:
            figure, (axes,) = timeline([1.15], duration or seconds)
            axes.set_facecolor("black")
            axes.grid(visible=False)
            _hertz_axis(axes, sample_rate / 2.0)
            panel = Panel(figure)
        image = _draw_spectrogram(axes, audio, sample_rate, (0.0, seconds), top_db)
        yield panel.png(axes, image, colors=128)
        image.remove()


def pitch_over_spectrogram_png(
    features: Mapping[str, np.ndarray],
    sample_rate: int,
    frame_rate: float,
    start_seconds: float,
    notes: Sequence[Note] = (),
) -> bytes:
    """Draws the detected pitch and notes over the spectrogram of the sound.

    Args:
        features: Arrays `audio` [frames * hop], `f0_hz` and `f0_confidence` [frames].
        sample_rate: Samples per second.
        frame_rate: Frames per second.
        start_seconds: Time of the first frame in the recording.
        notes: Notes from `transcribe`, with times counted from the first frame.

    Returns:
        Content of a PNG file.

    Example:
        >>> curves = {"audio": np.zeros(16000), "f0_hz": np.full(250, 440.0),
        ...           "f0_confidence": np.ones(250)}
        >>> pitch_over_spectrogram_png(curves, 16000, 250, 0.0)[1:4]
        b'PNG'
    """
    f0_hz = np.where(features["f0_hz"] > 0, features["f0_hz"], np.nan).astype(np.float64)
    sure = features["f0_confidence"] >= VOICED_CONFIDENCE
    end_seconds = start_seconds + f0_hz.size / frame_rate
    figure, (axes,) = timeline([1.9], end_seconds, foot=0.27)
    _draw_spectrogram(axes, features["audio"], sample_rate, (start_seconds, end_seconds))
    for note in notes:
        span = (start_seconds + note.onset_s, start_seconds + note.offset_s)
        height = hz_to_mel(440.0 * 2.0 ** ((note.midi - 69.0) / 12.0))
        label = "notes" if note is notes[0] else None
        axes.plot(span, (height, height), color=AMBER, linewidth=5.0, alpha=0.75, label=label)
        axes.plot(span[0], height, color=AMBER, marker="|", markersize=12)
    times = start_seconds + np.arange(f0_hz.size) / frame_rate
    for values, width, alpha, label in (
        (f0_hz, 0.7, 0.6, None),
        (np.where(sure, f0_hz, np.nan), 2.2, 1.0, "detected pitch (thin: low confidence)"),
    ):
        axes.plot(times, hz_to_mel(values), color=BLUE, linewidth=width, alpha=alpha, label=label)
    highest = np.nanmax(f0_hz[sure], initial=sample_rate / 4.0 / _PARTIALS_SHOWN)
    _hertz_axis(axes, min(_PARTIALS_SHOWN * highest, sample_rate / 2.0))
    axes.set_xlim(start_seconds, end_seconds)
    _seconds_axis(axes)
    add_legend(axes, loc="upper right", frameon=True)
    return to_png(figure)


def feature_curves_png(
    features: Mapping[str, Mapping[str, np.ndarray]],
    frame_rate: float,
    *,
    duration: float | None = None,
) -> bytes:
    """Draws pitch, on an axis of notes, and loudness of several sounds in one picture.

    The pitch line is interrupted where there is none and faint where its confidence is low.

    Args:
        features: Dictionary from the name of each sound (such as "target") to its features `f0_hz`,
            `f0_confidence` (0..1) and `loudness_db`, each [frames].
        frame_rate: Frames per second.
        duration: Length of the time axis in seconds; by default that of the longest feature.

    Returns:
        Content of a PNG file.

    Example:
        >>> curves = {"f0_hz": [440.0], "f0_confidence": [1.0], "loudness_db": [-20.0]}
        >>> feature_curves_png({"target": curves}, 250)[1:4]
        b'PNG'
    """
    frames = max(len(curve) for curves in features.values() for curve in curves.values())
    figure, (pitch, loudness) = timeline(
        [1.3, 1.0], duration or frames / frame_rate, head=0.27, foot=0.27
    )
    sure_notes, levels = [], []
    for (name, curves), (color, width) in zip(features.items(), cycle(STROKES), strict=False):
        notes = _midi(curves["f0_hz"])
        sure = np.where(np.asarray(curves["f0_confidence"]) > _SURE, notes, np.nan)
        level = np.asarray(curves["loudness_db"], np.float64)
        times = np.arange(len(notes)) / frame_rate
        pitch.plot(times, notes, color=color, linewidth=0.4 * width, alpha=0.5)
        pitch.plot(times, sure, color=color, linewidth=width, label=name)
        loudness.plot(np.arange(len(level)) / frame_rate, level, color=color, linewidth=width)
        sure_notes.append(sure)
        levels.append(level)
    _note_axis(pitch, np.concatenate(sure_notes))
    _level_axis(loudness, np.concatenate(levels))
    style_axes(pitch, "Pitch (thin: low confidence)")
    style_axes(loudness, "Loudness, A-weighted")
    add_legend(pitch, loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=len(features))
    _seconds_axis(loudness)
    return to_png(figure)


@functools.lru_cache(maxsize=2)
def _mel_weights(bins: int, sample_rate: int) -> np.ndarray:
    """Returns triangles [rows, bins] with sum 1, at least as wide as a bin, so none is empty."""
    nyquist = sample_rate / 2.0
    edges = mel_to_hz(np.linspace(0, hz_to_mel(nyquist), _ROWS + 1))
    centres = 0.5 * (edges[1:] + edges[:-1])[:, None]
    widths = np.maximum(np.diff(edges), nyquist / (bins - 1))[:, None]
    frequencies = np.linspace(0.0, nyquist, bins)
    weights = np.maximum(0.0, 1.0 - np.abs(frequencies - centres) / widths)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _draw_spectrogram(axes, audio, sample_rate, span, top_db=None):
    """Fills axes with levels, from `span[0]` to `span[1]` seconds and over all mels."""
    levels = spectrogram_levels_db(audio, sample_rate)
    if top_db is None:
        top_db = max(float(levels.max()), -100.0)
    axes.grid(visible=False)
    return axes.imshow(
        levels,
        cmap="magma",
        vmin=top_db - RANGE_DB,
        vmax=top_db,
        extent=(*span, 0.0, hz_to_mel(sample_rate / 2.0)),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )


def _seconds_axis(axes: Axes) -> None:
    axes.tick_params(labelbottom=True)
    axes.xaxis.set_major_formatter("{x:g} s")


def _hertz_axis(axes: Axes, highest_hz: float) -> None:
    """Shows 0 to `highest_hz` on a mel axis, with ticks at octaves where there is room."""
    top = float(hz_to_mel(highest_hz))
    room = 0.14 * axes.figure.dpi / axes.bbox.height * top
    ticks, above = [], np.inf
    for hz in (62.5 * 2**k for k in reversed(range(10))):
        if above - hz_to_mel(hz) <= room:
            break
        if hz <= highest_hz:
            above = float(hz_to_mel(hz))
            ticks.append(hz)
    axes.set_yticks(
        [hz_to_mel(hz) for hz in ticks],
        [f"{hz / 1000:g} kHz" if hz >= 1000 else f"{hz:g} Hz" for hz in ticks],
    )
    axes.set_ylim(0.0, top)


def _midi(f0_hz: np.ndarray) -> np.ndarray:
    """Returns MIDI note numbers [frames], NaN where there is no pitch."""
    f0_hz = np.asarray(f0_hz, np.float64)
    return 69.0 + 12.0 * np.log2(np.where(f0_hz > 0.0, f0_hz, np.nan) / 440.0)


def _note_axis(axes: Axes, notes: np.ndarray) -> None:
    notes = notes[np.isfinite(notes)]
    low, high = (notes.min() - 1.0, notes.max() + 1.0) if notes.size else (57.0, 81.0)
    step = next((step for step in (1, 2, 4, 12, 24) if (high - low) / step <= 7.0), 48)
    ticks = np.arange(np.ceil(low / step) * step, high, step, dtype=int)
    axes.set_ylim(low, high)
    axes.set_yticks(ticks, [note_name(tick) for tick in ticks])


def _level_axis(axes: Axes, levels: np.ndarray) -> None:
    levels = levels[np.isfinite(levels)]
    high = levels.max() + 3.0 if levels.size else 0.0
    low = max(levels.min() - 3.0, high - RANGE_DB) if levels.size else -RANGE_DB
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter("{x:g} dB")
