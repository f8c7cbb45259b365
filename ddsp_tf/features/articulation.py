"""Evidence, frame by frame, that a sound starts again: repeated notes."""

import numpy as np

from ddsp_tf.features.frames import frames_between

_LEVEL_SECONDS = 0.05
_SPECTRUM_SECONDS = 0.032
_FLUX_SECONDS = 0.02
_DIP_SECONDS = 0.03
_BANDS = 24
_LOWEST_HZ, _HIGHEST_HZ = 90.0, 8000.0
_RANGE_DB = 50.0
# Evidence of each kind that counts as a new attack on its own; without audio, the rise of the level
# replaces that of the spectrum.
_RISE_DB, _RISE_ALONE_DB = 28.0, 18.0
_FLUX_DB = 14.0
_DIP_SHARE = 0.23
_CHUNK = 4096


def articulation(
    loudness_db: np.ndarray,
    f0_confidence: np.ndarray,
    frame_rate: float,
    audio: np.ndarray | None = None,
    sample_rate: int | None = None,
) -> np.ndarray:
    """Measures how clearly a sound starts again.

    Three signs distinguish a repeated note from a swell or vibrato: its level rises by many dB
    within 50 ms, the level of most bands rises within 40 ms (spectral flux), and the pitch is
    uncertain for a moment. Beating partials and vibrato show only one of the three at a time.

    Args:
        loudness_db: Loudness in dB [frames].
        f0_confidence: Confidence of the pitch [frames], 0 to 1.
        frame_rate: Frames per second.
        audio: Mono audio [frames * hop], for the spectral flux; None if only curves are known.
        sample_rate: Samples per second of the audio.

    Returns:
        float64 [frames], 0 for a steady sound; 1 or more for an attack.

    Example:
        >>> loudness_db = np.repeat([-20.0, -45.0, -20.0], [50, 5, 50])
        >>> strength = articulation(loudness_db, np.ones(105), 100)
        >>> bool(strength[:40].max() < 0.1), bool(strength[50:60].max() > 1.0)
        (True, True)
    """
    level = np.asarray(loudness_db, np.float64)
    width = max(round(_LEVEL_SECONDS * frame_rate), 1)
    around = _windows(level, width)
    rise = around[:, width:].max(axis=1) - around[:, : width + 1].min(axis=1)
    dip = 1.0 - np.asarray(f0_confidence, np.float64)
    dip = _windows(dip, max(round(_DIP_SECONDS * frame_rate), 1)).max(axis=1)
    strength = np.minimum(dip, 0.3) / 0.3 * _DIP_SHARE
    if audio is None or sample_rate is None:
        return strength + rise / _RISE_ALONE_DB
    flux = spectral_flux_db(audio, sample_rate, frame_rate)[: level.size]
    flux = np.pad(flux, (0, level.size - flux.size))
    return strength + rise / _RISE_DB + flux / _FLUX_DB


def spectral_flux_db(audio: np.ndarray, sample_rate: int, frame_rate: float) -> np.ndarray:
    """Measures by how much the bands of a spectrum rise within 40 ms.

    Args:
        audio: Mono audio [samples].
        sample_rate: Samples per second.
        frame_rate: Frames per second; divides the sample rate.

    Returns:
        Mean of the rises of 24 bands in dB, where a fall counts as 0, float64 [samples // hop].

    Example:
        >>> click = np.zeros(16000)
        >>> click[8000] = 1.0
        >>> int(spectral_flux_db(click, 16000, 100).argmax())
        48
    """
    hop = round(sample_rate / frame_rate)
    levels = _band_levels_db(np.asarray(audio), sample_rate, hop)
    step = max(round(_FLUX_SECONDS * frame_rate), 1)
    flux = np.zeros(len(levels))
    if len(levels) > 2 * step:
        rises = levels[2 * step :] - levels[: -2 * step]
        flux[step:-step] = np.maximum(rises, 0.0).mean(axis=1)
    return flux


def _band_levels_db(audio: np.ndarray, sample_rate: int, hop: int) -> np.ndarray:
    """Levels of bands [frames, bands], 50 dB deep; frame k is centred on sample k * hop."""
    size = 2 ** round(np.log2(_SPECTRUM_SECONDS * sample_rate))
    highest_hz = min(_HIGHEST_HZ, sample_rate / 2.0)
    edges = np.geomspace(_LOWEST_HZ, highest_hz, _BANDS + 1) * size / sample_rate
    edges = np.unique(edges.round().astype(int))
    window = np.hanning(size + 1)[:-1]
    frames = len(audio) // hop
    powers = np.empty((frames, len(edges) - 1))
    for first in range(0, frames, _CHUNK):
        end = min(first + _CHUNK, frames)
        cut = frames_between(audio, first, end, size, hop)
        spectrum = np.square(np.abs(np.fft.rfft(cut * window)))
        powers[first:end] = np.add.reduceat(spectrum, edges, axis=1)[:, :-1]
    loudest = np.percentile(powers.max(axis=1), 95) if frames else 1.0
    floor = max(float(loudest), 1e-20) * 10.0 ** (-_RANGE_DB / 10.0)
    return 10.0 * np.log10(powers + floor)


def _windows(values: np.ndarray, width: int) -> np.ndarray:
    """The frames from `width` before to `width` after every frame, [frames, 2 * width + 1]."""
    padded = np.pad(values, width, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1)
