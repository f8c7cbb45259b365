"""The pitch tracker for any instrument: periodicity on the best path through time."""

import math

import numpy as np
import soxr

from ddsp_tf.errors import UserError
from ddsp_tf.features.chunks import track_in_chunks
from ddsp_tf.features.periodicity import ANALYSIS_RATE, periodicity, periodicity_plan
from ddsp_tf.features.pitch import VOICED_CONFIDENCE, PitchTracker, fill_unvoiced
from ddsp_tf.features.pitch_path import (
    Candidates,
    best_path,
    find_candidates,
    octave_above,
    smoothed,
)
from ddsp_tf.features.subharmonics import (
    raise_subharmonics,
    restore_beginnings,
    restore_endings,
    sparse_cost,
)
from ddsp_tf.features.voicing import brief, confidence, hum, local_power, presence, running_sums

_STEP = 160
_CHUNK_SECONDS = 60.0
_CONTEXT_SECONDS = 4.0
_MARGIN = 2.0 ** (1 / 12)
_HIGHEST_HZ = 0.3 * ANALYSIS_RATE


class AutoTracker(PitchTracker):
    """Tracks pitch from 27 Hz to 4.2 kHz, for any instrument, at any level.

    Every 10 ms, it finds ten candidates by how well the sound repeats after their periods (see
    `ddsp_tf.features.periodicity`), and chooses the best path through all of them (see
    `ddsp_tf.features.pitch_path`). A frame is voiced where the sound repeats and has not ended (see
    `ddsp_tf.features.voicing`). Confidence is calibrated: of the frames with a confidence near 0.8,
    about 80 % are within 50 cents. Audio is first normalized to its peak, so its level makes no
    difference, and analysed at 16 kHz.

    Args:
        lowest_hz: Lowest pitch considered, 25 Hz or more.
        highest_hz: Highest pitch considered, 4800 Hz or less.

    Raises:
        UserError: If the range is too narrow or out of bounds.

    Example:
        >>> tracker = AutoTracker()
        >>> sine = 0.001 * np.sin(2 * np.pi * 55 / 16000 * np.arange(16000, dtype=np.float32))
        >>> f0_hz, f0_confidence = tracker.track(sine, sample_rate=16000, hop=160)
        >>> f0_hz.shape, bool(abs(f0_hz[50] - 55) < 0.1), bool(f0_confidence[50] > 0.9)
        ((100,), True, True)
    """

    name = "auto"
    releases_lock = False
    version = "2"

    def __init__(self, lowest_hz: float = 27.0, highest_hz: float = 4200.0) -> None:
        if not 25.0 <= lowest_hz < 1.05 * lowest_hz <= highest_hz <= _HIGHEST_HZ:
            raise UserError(
                f"pitch tracker auto: found the range {lowest_hz} to {highest_hz} Hz; expected "
                f"one inside 25 to {_HIGHEST_HZ:g} Hz that spans a semitone or more"
            )
        super().__init__(lowest_hz=float(lowest_hz), highest_hz=float(highest_hz))

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch considered."""
        return self.settings["lowest_hz"], self.settings["highest_hz"]

    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording; see `PitchTracker.track`."""
        audio = np.asarray(audio, np.float32)
        peak = np.max(np.abs(audio), initial=0.0)
        if peak == 0.0:
            silence = np.zeros(audio.size // hop, np.float32)
            return silence, silence.copy()
        chunk, context = (
            max(1, round(seconds * sample_rate / hop))
            for seconds in (_CHUNK_SECONDS, _CONTEXT_SECONDS)
        )
        if audio.size // hop <= chunk:
            return self._track(audio / peak, sample_rate, hop)
        return track_in_chunks(
            audio, hop, chunk, context, lambda piece: self._track(piece / peak, sample_rate, hop)
        )

    def _track(self, audio, sample_rate, hop):
        """Tracks audio of which several copies fit into memory."""
        positions = np.arange(audio.size // hop) * float(hop)
        if sample_rate != ANALYSIS_RATE:
            audio = soxr.resample(audio, sample_rate, ANALYSIS_RATE)
        # Frames up to the end of the recording.
        frames = math.ceil(audio.size / _STEP) + 1
        audio = np.pad(audio, (0, frames * _STEP - audio.size))
        sums = running_sums(audio)
        octaves, strengths = self._path(audio, sums)
        pitch_hz = np.exp2(octaves)
        power = local_power(sums, pitch_hz, ANALYSIS_RATE, _STEP)
        present = presence(power, pitch_hz, ANALYSIS_RATE / _STEP)
        present = np.where(hum(pitch_hz, power, ANALYSIS_RATE / _STEP), 0.0, present)
        sure = confidence(strengths, present)
        sure[brief(pitch_hz, sure >= VOICED_CONFIDENCE, ANALYSIS_RATE / _STEP)] = 0.0
        instants = np.arange(frames) * (_STEP * sample_rate / ANALYSIS_RATE)
        return fill_unvoiced(instants, pitch_hz, sure, positions)

    def _path(self, audio, sums):
        """Pitch in octaves and strength of every frame."""
        lowest_hz, highest_hz = self.range_hz
        plan = periodicity_plan(lowest_hz / _MARGIN, highest_hz * _MARGIN)
        parts = [find_candidates(block, plan) for block in periodicity(audio, _STEP, plan)]
        candidates = Candidates(*(np.concatenate(values) for values in zip(*parts, strict=True)))
        cost = sparse_cost(audio, candidates.octaves, ANALYSIS_RATE, _STEP)
        candidates = candidates._replace(scores=candidates.scores - cost)
        path = best_path(candidates)[:, None]
        octaves, _, strengths = (np.take_along_axis(v, path, axis=1)[:, 0] for v in candidates)
        doubtful = octave_above(candidates, octaves) & (octaves < math.log2(highest_hz / 2.0))
        octaves = raise_subharmonics(audio, octaves, doubtful, ANALYSIS_RATE, _STEP)
        power = local_power(sums, np.exp2(octaves), ANALYSIS_RATE, _STEP)
        octaves = restore_beginnings(restore_endings(octaves, power), power)
        return smoothed(octaves, strengths), strengths
