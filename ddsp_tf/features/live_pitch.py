"""Pitch of live sound: the tracker `auto` for live use, on tensors."""

import numpy as np
from keras import ops

from ddsp_tf.features.live_octaves import PlacedWindow, subharmonic_cost
from ddsp_tf.features.live_path import Paths, advance, live_candidates
from ddsp_tf.features.live_periodicity import live_periodicity
from ddsp_tf.features.live_refinement import LiveRefinement
from ddsp_tf.features.live_voicing import live_confidence, live_presence, onset, powers
from ddsp_tf.features.periodicity import periodicity_plan
from ddsp_tf.features.pitch import VOICED_CONFIDENCE
from ddsp_tf.features.pitch_path import CANDIDATES, Candidates
from ddsp_tf.features.refinement import WINDOW_SECONDS
from ddsp_tf.typing import Tensor

# Length in seconds of each window, and the lowest pitch in Hz that it is used for.
_WINDOWS = ((0.031, 1000.0), (0.040, 160.0), (0.058, 67.0), (0.120, 0.0))
_PATHS = CANDIDATES + 1
_MARGIN = 2.0 ** (1 / 12)
_PART_SECONDS = 0.002
_ONSET_DOUBT = 0.5


class LivePitch:
    """Finds the pitch of successive frames, each from the sound until shortly after it.

    Periodicity and candidates are those of the tracker `auto`, in windows as close to the described
    instant as the available sound allows. Candidates whose odd harmonics are missing score less.
    The path is the best one that ends in the latest frame, so it depends on the past only. The
    phases of the harmonics refine its pitch. Where there is no pitch, the last one is held at low
    confidence.

    Args:
        sample_rate: Sample rate in Hz.
        frame_rate: Frames per second.
        delay: Samples from the instant that a frame describes to the end of its sound.
        lowest_hz: Lowest pitch to find, in Hz.
        highest_hz: Highest pitch to find, in Hz.

    Example:
        >>> pitch = LivePitch(sample_rate=16000, frame_rate=100, delay=320)
        >>> sine = np.sin(2 * np.pi * 440 / 16000 * np.arange(2048)).astype(np.float32)
        >>> f0_hz, _, _ = pitch.track(sine[None, None], np.zeros((1, pitch.state_size), np.float32))
        >>> round(float(f0_hz[0, 0]))
        440
    """

    # Ends of the paths and their scores, highest level, pitch, confidence.
    state_size = 2 * _PATHS + 3

    def __init__(
        self,
        sample_rate: float,
        frame_rate: float,
        delay: int,
        lowest_hz: float = 27.0,
        highest_hz: float = 4200.0,
    ):
        self._seconds, self._delay = 1.0 / frame_rate, delay / sample_rate
        limits = (lowest_hz / _MARGIN, highest_hz * _MARGIN)
        self._plan = periodicity_plan(*limits, sample_rate, _WINDOWS, pad=False)
        sizes = [window.taper.size for window in self._plan.windows]
        self._late = [max(delay - size // 2, 0) for size in sizes]
        lowest = {round(seconds * sample_rate): hz for seconds, hz in _WINDOWS}
        #  Lowest pitch in Hz, and seconds from the instant that f0 describes to the end of the
        # sound.
        self.delays = [
            (lowest[size], (late + size / 2) / sample_rate)
            for late, size in zip(self._late, sizes, strict=True)
        ]
        self._sample_rate = sample_rate
        self._windows = [
            PlacedWindow(lowest[size], window, late)
            for size, window, late in zip(sizes, self._plan.windows, self._late, strict=True)
        ]
        reaches = [max(size / sample_rate, WINDOW_SECONDS) / 2 for size in sizes]
        self._refinement = LiveRefinement(
            sample_rate,
            [(hz, late, min(late, r)) for (hz, late), r in zip(self.delays, reaches, strict=True)],
        )
        ends = [late + size for late, size in zip(self._late, sizes, strict=True)]
        #: Samples of sound that a frame needs.
        self.size = max(self._plan.noise_taper.size, self._refinement.size, *ends)
        self._part_size = max(1, round(_PART_SECONDS * sample_rate))
        self._part_seconds = self._part_size / sample_rate

    def track(self, sound: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tracks successive frames.

        Args:
            sound: The latest `size` samples of every frame, float32 [batch, frames, size].
            state: State: zeros before the first frame, then from the previous call, [batch,
                state_size].

        Returns:
            Tuple of f0_hz (0 before the first pitch) and f0_confidence (0..1), [batch, frames]
            each, and the new state.
        """
        batch, frames = ops.shape(sound)[0], ops.shape(sound)[1]
        rows = ops.reshape(sound, (-1, self.size))
        # A DC offset would hide from the power where notes end.
        rows = rows - ops.mean(rows, axis=1, keepdims=True)
        found = live_candidates(live_periodicity(rows, self._plan, self._late), self._plan)
        cost = subharmonic_cost(rows, found, self._windows, self._sample_rate)
        found = found._replace(scores=found.scores - cost)
        measured = ops.concatenate([*found, powers(rows, self._part_size), rows], axis=1)
        if sound.shape[1] == 1:
            state = self._follow(state, measured)
            return state[:, -2:-1], state[:, -1:], state
        measured = ops.reshape(measured, (batch, frames, measured.shape[1]))
        state, states = ops.scan(
            # The outputs of a scan have the shape of its state.
            lambda state, frame: 2 * (self._follow(state, frame),),
            state,
            ops.transpose(measured, (1, 0, 2)),
        )
        return ops.transpose(states[:, :, -2]), ops.transpose(states[:, :, -1]), state

    def _follow(self, state, measured):
        """Determines the pitch and confidence of one frame, [batch, any]."""
        paths = Paths(state[:, :_PATHS], state[:, _PATHS : 2 * _PATHS])
        highest_db, held_hz = state[:, -3:-2], state[:, -2:-1]
        *found, measured = ops.split(measured, [CANDIDATES * k for k in (1, 2, 3)], axis=1)
        parts, sound = ops.split(measured, [self.size // self._part_size], axis=1)
        beginning = onset(parts, self._part_seconds, self._delay)
        paths, octave, strength = advance(
            paths, Candidates(*found), self.delays, self._seconds, beginning
        )
        pitch_hz = ops.exp(octave * np.float32(np.log(2.0)))
        heard = live_presence(
            parts, self._part_seconds, pitch_hz, self._delay, highest_db, self._seconds
        )
        confidence = live_confidence(strength, heard.presence)
        pitch_hz = self._refinement.refine(sound, pitch_hz)
        # Where a sound begins, a pitch of low confidence is likelier than the last one.
        sure = VOICED_CONFIDENCE * (1.0 - _ONSET_DOUBT * beginning)
        held_hz = ops.where(confidence >= sure, pitch_hz, held_hz)
        return ops.concatenate([*paths, heard.highest_db, held_hz, confidence], axis=1)
