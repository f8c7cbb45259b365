"""Advice if a model or its loudness does not fit the pitch of the training data."""

import math
from collections.abc import Mapping

# Above this frequency, partials are weak, and filtered noise can replace them.
BRIGHT_HZ = 6000.0
_TOLERATED_SHARE = 0.75
_FEWEST_HARMONICS = 3
_PERIODS = 2.0


def harmonics_for(lowest_hz: float, sample_rate: int) -> int:
    """Returns the number of harmonics with which the lowest notes reach 6 kHz, or Nyquist.

    Args:
        lowest_hz: Pitch of the lowest notes in Hz.
        sample_rate: Samples per second.

    Returns:
        Number of harmonics, 1 or more.

    Example:
        >>> harmonics_for(41.2, 16000)
        145
    """
    return max(1, math.floor(min(BRIGHT_HZ, sample_rate / 2.0) / lowest_hz))


def harmonics_advice(
    n_harmonics: int, sample_rate: int, pitch_hz: Mapping[str, float]
) -> str | None:
    """Returns advice if the harmonics of a model do not fit the pitch of its training data.

    At 30 Hz, 60 harmonics end at 1.8 kHz: the instrument sounds dull. At 4 kHz and a sample rate of
    16 kHz, only one fits.

    Args:
        n_harmonics: Number of harmonics of the model.
        sample_rate: Samples per second.
        pitch_hz: Percentiles "p5" and "p95" of the training data's pitch in Hz, from
            `dataset_statistics`.

    Returns:
        One sentence, or None if the harmonics fit.

    Example:
        >>> harmonics_advice(60, 16000, {"p5": 200.0, "p95": 1200.0})
        >>> harmonics_advice(60, 16000, {"p5": 41.2, "p95": 120.0})[:55]
        '60 harmonics of the lowest notes (41 Hz) end at 2.5 kHz'
    """
    low_hz, high_hz, half = pitch_hz["p5"], pitch_hz["p95"], sample_rate / 2.0
    needed = harmonics_for(low_hz, sample_rate)
    if n_harmonics < _TOLERATED_SHARE * needed:
        return (
            f"{n_harmonics} harmonics of the lowest notes ({low_hz:.0f} Hz) end at "
            f"{n_harmonics * low_hz / 1000.0:.1f} kHz, so they will sound dull; n_harmonics="
            f"{needed} reaches {needed * low_hz / 1000.0:.1f} kHz"
        )
    fitting = math.ceil(half / high_hz) - 1
    if fitting < _FEWEST_HARMONICS:
        return (
            f"of the highest notes ({high_hz:.0f} Hz), only {fitting} "
            f"harmonic{'s fit' if fitting != 1 else ' fits'} below half the sample rate of "
            f"{sample_rate} Hz; a configuration with a higher rate, such as fast_48k, has room for "
            "more"
        )
    return None


def loudness_advice(fft_size: int, sample_rate: int, pitch_hz: Mapping[str, float]) -> str | None:
    """Returns advice if the window of loudness is too short for the pitch of the training data.

    A window shorter than two periods follows the individual pulses of a low note: with windows of
    32 ms, the loudness of a tone at 41 Hz whose harmonics are in phase swings by 14 dB.

    Args:
        fft_size: Window of the loudness in samples.
        sample_rate: Samples per second.
        pitch_hz: Percentiles "p5" and "p95" of the training data's pitch in Hz, from
            `dataset_statistics`.

    Returns:
        One sentence, or None if the window fits.

    Example:
        >>> loudness_advice(512, 16000, {"p5": 80.0, "p95": 300.0})
        >>> loudness_advice(512, 16000, {"p5": 41.2, "p95": 300.0})[-62:]
        'prepare and train with FeatureExtractor.loudness_fft_size=1024'
    """
    needed = _PERIODS * sample_rate / pitch_hz["p5"]
    if fft_size >= needed:
        return None
    return (
        f"windows of loudness ({1000.0 * fft_size / sample_rate:.0f} ms) are shorter than two "
        f"periods of the lowest notes ({pitch_hz['p5']:.0f} Hz), so loudness will pulse; prepare "
        f"and train with FeatureExtractor.loudness_fft_size={2 ** math.ceil(math.log2(needed))}"
    )
