"""Playing clips faster or slower, so that a model learns pitches between the recorded ones."""

import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ddsp_tf.features.loudness import FLOOR_DB, loudness_weights

# Crossfade at both ends of the resampled audio, so that its end joins its start without a jump.
_FADE_SAMPLES = 512
# Lengths with large prime factors are slow to transform.
_STEP = 16


class Varispeed:
    """Plays clips at a random speed, as a tape would: pitch and timbre move together.

    Between a semitone down and a semitone up an instrument's timbre hardly changes, so a clip
    played a little faster sounds like another note of it. The Fourier transform resamples audio,
    which keeps every frequency below Nyquist; both levels are measured again; pitch is multiplied
    and, like its confidence, interpolated between frames. This needs a longer clip, whose ends (70
    ms at 16 kHz) are only context for the first and last frames.

    Args:
        semitones: Largest change of speed, above 0, at most 12; 12 is twice or half as fast.
        clip_frames: Frames of the resulting clips.
        hop: Samples between two frames.
        sample_rate: Sample rate, in Hz.
        loudness_fft_size: Window of the dataset's loudness in samples.
        power_frame_size: Window of the dataset's power in samples.

    Raises:
        ValueError: If `semitones` is out of range.
    """

    def __init__(
        self,
        semitones: float,
        *,
        clip_frames: int,
        hop: int,
        sample_rate: int,
        loudness_fft_size: int = 512,
        power_frame_size: int = 1024,
    ):
        if not 0.0 < semitones <= 12.0:
            raise ValueError(f"semitones={semitones}; expected above 0, at most 12")
        self.semitones, self.clip_frames, self.hop = semitones, clip_frames, hop
        self.loudness_fft_size, self.power_frame_size = loudness_fft_size, power_frame_size
        window, weights = loudness_weights(loudness_fft_size, sample_rate)
        self.window, self.weights = window.astype(np.float32), weights.astype(np.float32)
        seen = max(loudness_fft_size, power_frame_size)
        # The fade is longest at the slowest speed.
        fade = _FADE_SAMPLES * 2.0 ** (semitones / 12.0)
        self.margin = math.ceil((fade + seen / 2 + 1) / hop)
        self.frames = clip_frames + 2 * self.margin

    @property
    def cut_frames(self) -> int:
        """Number of frames that a clip needs to be played at any of the speeds."""
        return math.ceil(self.frames * 2.0 ** (self.semitones / 12.0) + _STEP / self.hop)

    def play(self, clip: Mapping[str, tf.Tensor], position: tf.Tensor) -> dict[str, tf.Tensor]:
        """Plays a clip at one of the speeds.

        `clip` contains `audio` [cut_frames * hop], features [cut_frames], and other entries, which
        are passed on; `position` is a scalar in -1..1, from slowest to fastest. The result has
        `clip_frames` frames, and its `start_frame` is moved.
        """
        samples = self.frames * self.hop
        speed = 2.0 ** (tf.cast(position, tf.float64) * self.semitones / 12.0)
        taken = _STEP * tf.cast(tf.round(speed * (samples / _STEP)), tf.int32)
        speed = tf.cast(taken, tf.float64) / samples
        audio = self._resample(clip["audio"][:taken], taken)
        first = self.margin * self.hop
        places = speed * tf.cast(self.margin + tf.range(self.clip_frames), tf.float64)
        played = dict(clip)
        played["f0_hz"] = _at(clip["f0_hz"], places) * tf.cast(speed, tf.float32)
        played["f0_confidence"] = _at(clip["f0_confidence"], places)
        spectrum = tf.signal.rfft(self._frames(audio, self.loudness_fft_size) * self.window)
        played["loudness_db"] = _to_db(tf.linalg.matvec(tf.square(tf.abs(spectrum)), self.weights))
        frames = self._frames(audio, self.power_frame_size)
        played["power_db"] = _to_db(tf.reduce_mean(tf.square(frames), axis=-1))
        played["audio"] = audio[first : first + self.clip_frames * self.hop]
        if "start_frame" in clip:
            played["start_frame"] = clip["start_frame"] + tf.cast(places[0], tf.int64)
        return played

    def _resample(self, audio, taken):
        """Resamples `taken` samples by the Fourier transform."""
        samples = self.frames * self.hop
        fade = tf.range(_FADE_SAMPLES, dtype=tf.float32) / _FADE_SAMPLES
        ramp = tf.concat([fade, tf.ones([taken - 2 * _FADE_SAMPLES]), fade[::-1]], axis=0)
        spectrum = tf.signal.rfft(audio * ramp)
        # Without the Nyquist bin, which counts twice in the longer of the two.
        kept = tf.minimum(taken, samples) // 2
        spectrum = tf.pad(spectrum[:kept], [[0, samples // 2 + 1 - kept]])
        return samples / tf.cast(taken, tf.float32) * tf.signal.irfft(spectrum, [samples])

    def _frames(self, audio, size):
        """Cuts out the window of each frame of the result."""
        start = self.margin * self.hop - size // 2
        stop = start + (self.clip_frames - 1) * self.hop + size
        return tf.signal.frame(audio[start:stop], size, self.hop)


def _to_db(power: tf.Tensor) -> tf.Tensor:
    power = tf.maximum(power, 10.0 ** (FLOOR_DB / 10.0))
    return (10.0 / math.log(10.0)) * tf.math.log(power)


def _at(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Reads a curve between its frames."""
    below = tf.cast(places, tf.int32)
    above = tf.minimum(below + 1, tf.shape(values)[0] - 1)
    share = tf.cast(places - tf.floor(places), tf.float32)
    low, high = tf.gather(values, below), tf.gather(values, above)
    return low + share * (high - low)
