"""How strongly a sound repeats after each lag: the evidence for pitch."""

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import fft

from ddsp_tf.features.frames import all_frames

ANALYSIS_RATE = 16000
STEP_CENTS = 12.0
# Windows of at least four periods: seconds, and the lowest pitch that each is used for.
WINDOWS = ((0.031, 1000.0), (0.040, 160.0), (0.080, 60.0), (0.160, 0.0))
LAGS_NEAR_ZERO = 8
_HIGHEST_BIN_HZ = 5000.0
_TILT_HZ = 2000.0
# Above 1 kHz there are few harmonics: higher bins are included and weighted more.
_HIGH_PITCH_HZ = 1000.0
_HIGH_BIN_HZ = 7600.0
_HIGH_TILT_HZ = 6000.0
_RUMBLE_HZ = 15.0
_NOISE_SECONDS = 0.128
NOISE_BAND_BINS = 64
# A quarter of exponentially distributed powers are below 0.29 times their mean.
QUARTILE_OF_MEAN = 0.29
_NOISE_FACTOR = 3.0
COMPRESSION = 0.7
# As many frames as fit into the processor's cache: at a time, and in one Fourier transform.
_BLOCK_FRAMES = 128
_TRANSFORMED_FRAMES = 32


class Window(NamedTuple):
    """An analysis window, and the matrix from its power spectrum to the correlation at lags."""

    taper: np.ndarray
    fft_size: int
    weights: np.ndarray
    noise: np.ndarray
    correlation: np.ndarray
    lags: np.ndarray


class Plan(NamedTuple):
    """Constants for one range of pitch.

    Attributes:
        pitches_hz: Candidate pitches, falling, 12 cents apart.
        lags: Their periods in seconds, after some shorter ones.
        windows: Analysis windows.
        noise_taper: Taper of the window in which noise is measured.
        noise_fft_size: Size of its Fourier transform.
    """

    pitches_hz: np.ndarray
    lags: np.ndarray
    windows: tuple[Window, ...]
    noise_taper: np.ndarray
    noise_fft_size: int


@functools.lru_cache(maxsize=4)
def periodicity_plan(
    lowest_hz: float,
    highest_hz: float,
    sample_rate: float = ANALYSIS_RATE,
    windows: tuple[tuple[float, float], ...] = WINDOWS,
    pad: bool = True,
) -> Plan:
    """Prepares `periodicity` for a range of pitch.

    Args:
        lowest_hz: Lowest pitch to try, in Hz.
        highest_hz: Highest pitch to try, in Hz.
        sample_rate: Sample rate in Hz.
        windows: Length in seconds of each window, and the lowest pitch in Hz that it is used for,
            which falls from one window to the next, down to 0.
        pad: Whether Fourier transforms are long enough for all lags. If not, correlations at lags
            of more than half a window wrap around, where tapers leave little of them.

    Returns:
        The constants.

    Example:
        >>> plan = periodicity_plan(100.0, 400.0)
        >>> len(plan.pitches_hz), len(plan.windows)
        (203, 3)
    """
    count = math.ceil(1200 * math.log2(highest_hz / lowest_hz) / STEP_CENTS) + 3
    pitches_hz = highest_hz * 2.0 ** ((1 - np.arange(count)) * STEP_CENTS / 1200)
    near_zero = np.linspace(0.0, 1.0 / pitches_hz[0], LAGS_NEAR_ZERO + 1)[:-1]
    lags = np.concatenate([near_zero, 1.0 / pitches_hz])
    octaves = -np.log2(np.maximum(lags, 1e-6))
    noise_taper = _hann(round(_NOISE_SECONDS * sample_rate))
    noise_fft_size = _power_of_two(noise_taper.size)
    used, above = [], np.zeros(lags.size)
    for seconds, lowest in windows:
        # Neighbouring windows are crossfaded over half an octave.
        reached = np.clip(2.0 * (octaves - np.log2(max(lowest, 1e-6))) + 0.5, 0.0, 1.0)
        share, above = reached - above, reached
        if share.any():
            taper = _hann(round(seconds * sample_rate))
            high = lowest >= _HIGH_PITCH_HZ
            used.append(_window(taper, high, lags, share, sample_rate, noise_fft_size, pad))
    return Plan(pitches_hz, lags, tuple(used), noise_taper, noise_fft_size)


def _window(taper, high, lags, share, sample_rate, noise_fft_size, pad) -> Window:
    used = np.flatnonzero(share)
    fft_size = _power_of_two(taper.size + pad * lags[used[-1]] * sample_rate)
    hz = np.fft.rfftfreq(fft_size, 1.0 / sample_rate)
    cosines = np.cos(2 * np.pi * hz[:, None] * lags[used])
    # The correlation of tapered sound decays with the lag as that of the taper does.
    own = np.abs(np.fft.rfft(taper, fft_size)) ** (2.0 * COMPRESSION)
    own[1:] *= 2.0
    fading = own @ cosines / own.sum()
    bins = int(np.searchsorted(hz, _HIGH_BIN_HZ if high else _HIGHEST_BIN_HZ))
    hz = hz[:bins]
    weights = 1.0 / (1.0 + np.square(hz / (_HIGH_TILT_HZ if high else _TILT_HZ)))
    weights[hz < _RUMBLE_HZ] = 0.0
    noise = _noise_in_bins(hz, sample_rate, noise_fft_size)
    return Window(
        taper,
        fft_size,
        weights.astype(np.float32),
        noise * np.float32(_NOISE_FACTOR * np.sum(taper**2)),
        (cosines[:bins] / fading * share[used]).astype(np.float32),
        used,
    )


def _power_of_two(size: float) -> int:
    return 2 ** math.ceil(math.log2(size))


def _hann(size: int) -> np.ndarray:
    phase = 2 * np.pi * (np.arange(size) + 0.5) / size
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


def _noise_in_bins(hz: np.ndarray, sample_rate: float, fft_size: int) -> np.ndarray:
    """Interpolates from the centres of the noise bands to bins, [bands, bins]."""
    bands = fft_size // 2 // NOISE_BAND_BINS
    band_hz = NOISE_BAND_BINS * sample_rate / fft_size
    centres = (np.arange(bands) + 0.5) * band_hz
    return np.stack([np.interp(hz, centres, row) for row in np.eye(bands)]).astype(np.float32)


def periodicity(audio: np.ndarray, step: int, plan: Plan) -> Iterator[np.ndarray]:
    """Measures for every frame and pitch how much of the sound repeats after a period.

    The correlation of the sound with itself is read from its power spectrum, in windows of four
    periods or more. Before that, power is reduced where it does not stand out from the noise
    (Wiener's gain; the noise is estimated from the lower quartile in bands of 500 Hz), and
    compressed with an exponent of 0.7, so that neither noise nor one strong harmonic hides the
    others. As in YIN, one minus the correlation is divided by its mean over all shorter lags. de
    Cheveigne and Kawahara, "YIN, a fundamental frequency estimator for speech and music" (2002);
    Boersma, "Accurate short-term analysis of the fundamental frequency" (1993).

    Args:
        audio: Mono float32 [samples] at `ANALYSIS_RATE`, peaking at about 1.
        step: Samples between two frames; frame k is centred on sample k * step.
        plan: Range of pitch.

    Yields:
        Float32 [some frames, pitches]: about 1 where the sound repeats exactly, about 0 where it
        does not; samples // step frames in total.

    Example:
        >>> sine = np.sin(2 * np.pi * 200 / 16000 * np.arange(8000)).astype(np.float32)
        >>> plan = periodicity_plan(100.0, 400.0)
        >>> (strength,) = periodicity(sine, 160, plan)
        >>> strength.shape, round(float(plan.pitches_hz[strength[25].argmax()]))
        ((50, 203), 200)
    """
    frames = audio.size // step
    taper, fft_size, bins = plan.noise_taper, plan.noise_fft_size, plan.noise_fft_size // 2
    long_frames = all_frames(audio, taper.size, step)
    framed = [all_frames(audio, window.taper.size, step) for window in plan.windows]
    for first in range(0, frames, _BLOCK_FRAMES):
        block = slice(first, min(first + _BLOCK_FRAMES, frames))
        noise = _noise(power_spectrum(long_frames[block], taper, fft_size, bins, True), taper)
        correlation = np.zeros((len(noise), plan.lags.size), np.float32)
        for window, around in zip(plan.windows, framed, strict=True):
            power = power_spectrum(
                around[block], window.taper, window.fft_size, window.weights.size, centred=True
            )
            # In place, because allocating arrays of this size would take longer than the
            # arithmetic.
            gain = noise @ window.noise
            gain += power
            gain += np.float32(1e-12)
            np.divide(power, gain, out=gain)
            # Products, because numpy's third power takes several times as long.
            for _ in range(3):
                power *= gain
            np.power(power, np.float32(COMPRESSION), out=power)
            power *= window.weights
            power /= power.sum(axis=1, keepdims=True) + np.float32(1e-12)
            lags = slice(window.lags[0], window.lags[-1] + 1)
            correlation[:, lags] += power @ window.correlation
        yield _normalized(correlation, plan.lags)


def power_spectrum(
    frames: np.ndarray,
    taper: np.ndarray,
    fft_size: int,
    bins: int | None = None,
    centred: bool = False,
) -> np.ndarray:
    """Computes power spectra of frames under a window.

    scipy transforms several frames together, in a third of numpy's time.

    Args:
        frames: Frames [frames, samples].
        taper: Window [samples].
        fft_size: Size of the Fourier transform, at least as long as the window.
        bins: Number of the lowest bins to return; None for all.
        centred: Whether to subtract the mean of every frame first.

    Returns:
        Float32 [frames, bins].

    Example:
        >>> power_spectrum(np.ones((1, 2)), np.ones(2), 4).tolist()
        [[4.0, 2.0, 0.0]]
    """
    power = np.empty((len(frames), fft_size // 2 + 1 if bins is None else bins), np.float32)
    mean = frames.mean(axis=1, keepdims=True) if centred else np.zeros((len(frames), 1), np.float32)
    # Padded here, because scipy would copy the frames again.
    padded = np.zeros((_TRANSFORMED_FRAMES, fft_size), np.float32)
    for first in range(0, len(frames), _TRANSFORMED_FRAMES):
        block = slice(first, first + _TRANSFORMED_FRAMES)
        rows = padded[: len(frames[block])]
        tapered = rows[:, : taper.size]
        np.subtract(frames[block], mean[block], out=tapered, casting="same_kind")
        np.multiply(tapered, taper, out=tapered, casting="same_kind")
        spectrum = fft.rfft(rows)[:, :bins]
        np.square(spectrum.real, out=power[block])
        power[block] += np.square(spectrum.imag)
    return power


def _noise(power, taper):
    """Returns the density of the noise in every band, from the lower quartile of its bins."""
    bands = power.reshape(len(power), -1, NOISE_BAND_BINS)
    quarter = NOISE_BAND_BINS // 4
    quartile = np.partition(bands, quarter, axis=2)[:, :, quarter]
    return quartile / np.float32(QUARTILE_OF_MEAN * np.sum(taper**2))


def _normalized(correlation, lags):
    """Returns one minus YIN's normalized difference, at the lags of the pitches."""
    difference = 1.0 - correlation
    positive = np.maximum(difference, 0.0)
    widths = (np.diff(lags) / 2.0).astype(np.float32)
    mean = np.cumsum((positive[:, 1:] + positive[:, :-1]) * widths, axis=1)
    mean /= lags[1:].astype(np.float32)
    normalized = difference[:, 1:] / np.maximum(mean, np.float32(1e-6))
    return 1.0 - np.minimum(normalized[:, LAGS_NEAR_ZERO - 1 :], 2.0)
