"""Pitch and loudness of live sound: hop by hop, with a state, on tensors."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ddsp_tf.dsp.decimation import decimate, decimation_filter
from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.errors import UserError
from ddsp_tf.features.graph_loudness import frames_loudness_db, frames_power_db
from ddsp_tf.features.live_pitch import LivePitch
from ddsp_tf.typing import State, Tensor

CURVES = ("f0_hz", "f0_confidence", "loudness_db", "power_db")
_LOWEST_SAMPLE_RATE = 4000
_LOWEST_ANALYSIS_RATE = 14000
_HIGHEST_SHARE = 0.3


class LiveFeatures(keras.layers.Layer):
    """Measures pitch, loudness and power hop by hop.

    The live counterpart of the tracker `auto`, of `loudness_db` and of `power_db`: the same
    measures in the same windows, but none reaches further than 20 ms (`delay_seconds`) beyond the
    instant that it describes. A frame describes the instant `delay` samples before the end of the
    hop that completes it. Only measures with windows longer than twice `delay_seconds` lag further
    behind: pitch below 160 Hz (see `lookahead`) and levels with frames longer than 40 ms.

    Args:
        sample_rate: Sample rate in Hz.
        frame_rate: Frames per second; must divide the sample rate.
        loudness_fft_size: Window of the loudness in samples.
        power_frame_size: Window of the power in samples.
        lowest_hz: Lowest pitch to find, in Hz.
        highest_hz: Highest pitch to find, in Hz; 0.3 of the sample rate at most.
        delay_seconds: Seconds from the instant that a frame describes to the end of its hop; with
            0.06 the longest window of pitch is centred on that instant.

    Raises:
        UserError: If the range is too narrow or out of bounds, or the sample rate is below 4 kHz.
        ValueError: If the frame rate does not divide the sample rate.

    Example:
        >>> live = LiveFeatures(sample_rate=16000, frame_rate=100)
        >>> sine = 0.1 * np.sin(2 * np.pi * 440 / 16000 * np.arange(3200, dtype=np.float32))
        >>> curves, state = live(sine[None], live.initial_state(1))
        >>> curves["f0_hz"].shape[1], round(float(curves["f0_hz"][0, -1]))
        (20, 440)
    """

    def __init__(
        self,
        sample_rate: int,
        frame_rate: float,
        loudness_fft_size: int = 512,
        power_frame_size: int = 1024,
        lowest_hz: float = 27.0,
        highest_hz: float = 4200.0,
        delay_seconds: float = 0.020,
    ):
        super().__init__()
        self.sample_rate, self.frame_rate = sample_rate, frame_rate
        self.hop = hop_size(sample_rate, frame_rate)
        if sample_rate < _LOWEST_SAMPLE_RATE:
            raise UserError(
                f"live pitch: found a sample rate of {sample_rate} Hz; expected "
                f"{_LOWEST_SAMPLE_RATE} Hz or more"
            )
        highest_hz = min(highest_hz, _HIGHEST_SHARE * sample_rate)
        if not 25.0 <= lowest_hz < 1.05 * lowest_hz <= highest_hz <= 4800.0:
            raise UserError(
                f"live pitch: found the range {lowest_hz:g} to {highest_hz:g} Hz; expected one "
                "inside 25 to 4800 Hz, and below 0.3 of the sample rate, that spans a semitone"
            )
        self.range_hz = (lowest_hz, highest_hz)
        self._level_sizes = (loudness_fft_size, power_frame_size)
        self.settings: dict[str, Any] = {
            "sample_rate": sample_rate,
            "frame_rate": frame_rate,
            "loudness_fft_size": loudness_fft_size,
            "power_frame_size": power_frame_size,
            "lowest_hz": lowest_hz,
            "highest_hz": highest_hz,
            "delay_seconds": delay_seconds,
        }
        self._factor = _decimation(sample_rate, self.hop)
        self._taps = decimation_filter(self._factor)
        # The filter delays the sound in which pitch is tracked.
        late = max(round((self.delay - self._taps.size // 2) / self._factor), 0)
        self._pitch = LivePitch(sample_rate / self._factor, frame_rate, late, *self.range_hz)

    @property
    def delay(self) -> int:
        """Samples from the instant that a frame describes to the end of its hop."""
        return round(self.settings["delay_seconds"] * self.sample_rate)

    @property
    def lookahead(self) -> list[tuple[float, float]]:
        """Lookahead of f0, by pitch.

        Tuples of a pitch in Hz and the milliseconds of sound needed after the instant that f0
        describes, from that pitch up; in the order of falling pitch.
        """
        filtered = (self._taps.size // 2) / self.sample_rate
        rows: list[tuple[float, float]] = []
        for lowest_hz, seconds in self._pitch.delays:
            row = (max(lowest_hz, self.range_hz[0]), round(1e3 * (filtered + seconds), 2))
            if rows and rows[-1][1] == row[1]:
                rows.pop()
            rows.append(row)
        return rows

    @property
    def state_sizes(self) -> dict[str, int]:
        """Sizes of the parts of one voice's state."""
        reach = max(*map(self._reach, self._level_sizes), self._taps.size - self._factor + self.hop)
        return {
            "audio": max(reach - self.hop, 1),
            "analysis": max(self._pitch.size - self.hop // self._factor, 1),
            "path": self._pitch.state_size,
        }

    def _reach(self, size):
        """Samples from the start of a level's frame to the end of the hop."""
        return max(self.delay + size // 2, size)

    def initial_state(self, batch_size: int) -> State:
        """Returns the state before the first hop: zeros, [batch, size] each."""
        return {name: ops.zeros((batch_size, size)) for name, size in self.state_sizes.items()}

    def call(self, audio: Tensor, state: State) -> tuple[dict[str, Tensor], State]:
        """Measures the frames that the next hops complete.

        Args:
            audio: Finite float32 [batch, frames * hop].
            state: State from `initial_state` or the previous call.

        Returns:
            Tuple of curves, [batch, frames] each: "f0_hz" (0 before the first pitch; where there
            is none, the last one), "f0_confidence" (0..1), "loudness_db" and "power_db"; and the
            new state.
        """
        frames = (audio.shape[1] or ops.shape(audio)[1]) // self.hop
        heard = ops.concatenate([state["audio"], audio], axis=1)
        loudness, power = (
            _frames(heard, frames, self.hop, self._reach(size), size) for size in self._level_sizes
        )
        new = audio if self._factor == 1 else self._decimated(heard, audio)
        analysis = ops.concatenate([state["analysis"], new], axis=1)
        size, step = self._pitch.size, self.hop // self._factor
        sound = _frames(analysis, frames, step, size, size)
        f0_hz, f0_confidence, path = self._pitch.track(sound, state["path"])
        curves = {
            "f0_hz": f0_hz,
            "f0_confidence": f0_confidence,
            "loudness_db": frames_loudness_db(loudness, self.sample_rate, power_of_two=True),
            "power_db": frames_power_db(power),
        }
        sizes = self.state_sizes
        state = {
            "audio": heard[:, -sizes["audio"] :],
            "analysis": analysis[:, -sizes["analysis"] :],
        }
        return curves, {**state, "path": path}

    def _decimated(self, heard, audio):
        needed = self._taps.size - self._factor
        first = heard.shape[1] and heard.shape[1] - audio.shape[1] - needed
        if first is None:
            first = ops.shape(heard)[1] - ops.shape(audio)[1] - needed
        return decimate(heard[:, first:], self._taps, self._factor)


def _decimation(sample_rate: int, hop: int) -> int:
    """Largest divisor of a hop that leaves 14 kHz or more to find pitch in."""
    most = max(sample_rate // _LOWEST_ANALYSIS_RATE, 1)
    return next(factor for factor in range(most, 0, -1) if hop % factor == 0)


def _frames(sound, frames, hop, reach, size):
    """Cuts out a part of every hop's latest sound, [batch, frames, size].

    Args:
        sound: Sound [batch, samples], whose last `frames * hop` samples are the hops.
        frames: Number of hops.
        hop: Samples in a hop.
        reach: Samples from the start of the part to the end of the hop.
        size: Samples in the part.
    """
    length = sound.shape[1] or ops.shape(sound)[1]
    first = length - frames * hop + hop - reach
    if isinstance(frames, int) and frames == 1:
        return sound[:, None, first : first + size]
    starts = first + ops.arange(frames, dtype="int32") * hop
    return ops.take(sound, starts[:, None] + np.arange(size, dtype=np.int32), axis=1)
