"""Refinement of live pitch by the phases of the harmonics: `refinement` on tensors."""

import itertools
import math

import numpy as np
from keras import ops

from ddsp_tf.features.refinement import (
    HARMONICS,
    HIGHEST_HZ,
    LARGEST_CHANGE,
    LARGEST_SPREAD,
)
from ddsp_tf.typing import Tensor

# Largest relative change of level in the length of a window: a sound that fills three quarters of
# it changes by about as much.
_LARGEST_SWELL = 1.0
_PART = 32


class LiveRefinement:
    """Adjusts a pitch to the harmonics of the latest sound.

    As in `refine_f0`, each of the first harmonics is shifted to 0 Hz, and the remaining rotation of
    its phase gives the error of the pitch. The speed of rotation follows from one spectral value
    and its derivative in time (Auger and Flandrin, "Improving the readability of time-frequency
    representations by the reassignment method", 1995). Windows are centred on the instant that the
    pitch describes.

    Args:
        sample_rate: Sample rate in Hz.
        windows: Windows in the order of falling pitch, each with the lowest pitch in Hz that it is
            for, seconds from the described instant to the end of the sound, and seconds from that
            instant to the ends of the window.

    Example:
        >>> refinement = LiveRefinement(16000, [(0.0, 0.020, 0.020)])
        >>> sine = np.sin(2 * np.pi * 441 / 16000 * np.arange(640)).astype(np.float32)
        >>> round(float(refinement.refine(sine[None], np.full((1, 1), 438, np.float32))[0, 0]), 1)
        441.0
    """

    def __init__(self, sample_rate: float, windows: list[tuple[float, float, float]]):
        self._lowest_hz = [lowest for lowest, _, _ in windows]
        longest = max(delay + reach for _, delay, reach in windows)
        self._parts = math.ceil(longest * sample_rate / _PART)
        #: Samples of sound that are analysed.
        self.size = self._parts * _PART
        self._tapers = np.stack(
            [self._taper(delay, reach, sample_rate) for _, delay, reach in windows]
        )
        self._seconds = np.array([[2 * reach] for _, _, reach in windows], np.float32)
        self._highest_hz = min(HIGHEST_HZ, 0.45 * sample_rate)
        self._numbers = np.arange(1, HARMONICS + 1, dtype=np.float32)
        # The phase at a sample is the phase at the start of its part plus that within the part.
        self._within, self._begun = (
            (samples[:, None] / sample_rate * self._numbers).astype(np.float32)
            for samples in (np.arange(_PART), np.arange(self._parts) * _PART - self.size)
        )

    def _taper(self, delay, reach, sample_rate):
        """A Hann window around an instant, and its derivative in time, [2 * size]."""
        seconds = (np.arange(self.size) - self.size) / sample_rate + delay
        turn = math.pi * seconds / reach
        inside = np.abs(turn) < math.pi
        slope = -0.5 * math.pi / reach * np.sin(turn)
        window = np.stack([0.5 + 0.5 * np.cos(turn), slope]) * inside
        return window.reshape(-1).astype(np.float32)

    def refine(self, sound: Tensor, pitch_hz: Tensor) -> Tensor:
        """Refines the pitch of some frames.

        Args:
            sound: Sound up to the end of each frame's window, [batch, `size` samples or more].
            pitch_hz: Pitch in Hz, [batch, 1].

        Returns:
            Pitch in Hz, within 2 % of the given one, [batch, 1]. It is unchanged where the
            harmonics do not agree, or where the sound begins or ends.
        """
        window = self._chosen(pitch_hz)
        real, imaginary, speeds_real, speeds_imaginary = self._spectrum(sound, pitch_hz, window)
        power = real * real + imaginary * imaginary
        floor = ops.maximum(power, 1e-20)
        turning = (speeds_real * imaginary - speeds_imaginary * real) / floor
        rising = -(speeds_real * real + speeds_imaginary * imaginary) / floor
        # Error of the pitch according to each harmonic.
        wrong = turning / (2.0 * math.pi * self._numbers)
        counted = ops.logical_and(
            self._numbers * pitch_hz <= self._highest_hz,
            ops.abs(wrong) <= 1.5 * LARGEST_CHANGE * pitch_hz,
        )
        weights = ops.where(counted, power * self._numbers**2, 0.0)
        mean, square = _averaged(wrong, weights), _averaged(wrong * wrong, weights)
        # High harmonics also swell and fade where the pitch glides.
        swell = _averaged(rising, ops.where(counted, power, 0.0))
        swell *= ops.matmul(window, self._seconds)
        agree = square - mean * mean <= ops.square(LARGEST_SPREAD * pitch_hz)
        steady = ops.abs(swell) <= _LARGEST_SWELL
        most = LARGEST_CHANGE * pitch_hz
        change = ops.minimum(ops.maximum(mean, -most), most)
        return pitch_hz + ops.where(ops.logical_and(agree, steady), change, 0.0)

    def _spectrum(self, sound, pitch_hz, window):
        """Spectrum at the harmonics, under the window and its derivative, [batch, harmonics]."""
        tapers = ops.reshape(ops.matmul(window, self._tapers), (-1, 2, self.size))
        windowed = sound[:, None, sound.shape[1] - self.size :] * tapers
        windowed = ops.reshape(windowed, (-1, 2 * self._parts, _PART))
        cosine, sine = _turned(pitch_hz[:, :, None] * self._within)
        real, imaginary = (
            ops.reshape(ops.matmul(windowed, part), (-1, 2, self._parts, HARMONICS))
            for part in (cosine, -sine)
        )
        cosine, sine = _turned(pitch_hz[:, :, None, None] * self._begun)
        values = (real * cosine + imaginary * sine, imaginary * cosine - real * sine)
        real, imaginary = (ops.sum(value, axis=2) for value in values)
        return real[:, 0], imaginary[:, 0], real[:, 1], imaginary[:, 1]

    def _chosen(self, pitch_hz):
        """Marks the window of a pitch with 1, the others with 0, [batch, windows]."""
        reached = [ops.cast(pitch_hz >= lowest, "float32") for lowest in self._lowest_hz[:-1]]
        reached = [ops.zeros_like(pitch_hz), *reached, ops.ones_like(pitch_hz)]
        return ops.concatenate([b - a for a, b in itertools.pairwise(reached)], axis=1)


def _averaged(values, weights):
    """Weighted average over the harmonics, [batch, 1]."""
    total = ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1e-20)
    return ops.sum(values * weights, axis=1, keepdims=True) / total


def _turned(cycles):
    """Cosine and sine of a phase in cycles."""
    turn = 2.0 * math.pi * (cycles - ops.floor(cycles))
    return ops.cos(turn), ops.sin(turn)
