"""Pitch trackers: audio to fundamental frequency and confidence per frame."""

import importlib.metadata
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.octaves import correct_octaves

VOICED_CONFIDENCE = 0.5
JUMP_SEMITONES = 1.0
SUPPORT_SEMITONES = 4.0


class PitchTracker(ABC):
    """What every pitch tracker offers.

    A subclass sets `name`, passes what determines its result to this constructor, and implements
    `version` and `track`.

    Args:
        **settings: JSON-able arguments of the subclass's constructor.
    """

    name: ClassVar[str]

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    @property
    @abstractmethod
    def version(self) -> str:
        """Version of whatever does the tracking."""

    @abstractmethod
    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording.

        Args:
            audio: Mono float32 [samples] in -1..1.
            sample_rate: In Hz.
            hop: Samples between two frames; frame k describes sample k * hop.

        Returns:
            f0_hz and f0_confidence (0..1), float32 [samples // hop] each. A frame is voiced from
            a confidence of 0.5 on. Where it is not, f0_hz goes on as `fill_unvoiced` says.
        """

    def describe(self) -> dict[str, Any]:
        """Gives name, version and settings, as a dataset records them."""
        return {"name": self.name, "version": self.version, "settings": dict(self.settings)}


def fill_unvoiced(
    tracker_positions: np.ndarray,
    pitch_hz: np.ndarray,
    confidence: np.ndarray,
    positions: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Brings a tracker's frames to other instants, with a pitch at every instant.

    Only voiced frames (confidence of 0.5 or more) say anything about pitch. Between two of them
    that are within a semitone of each other, pitch is interpolated in log frequency; across a
    larger interval the nearer one holds, so a jump stays a jump and no glide is invented. The
    same rule bridges unvoiced stretches: an attack gets the pitch of the note that follows, a
    release that of the note before. The first and the last voiced pitch hold to the ends.
    Confidence is interpolated linearly, and so is low wherever the tracker heard no pitch.
    A voiced frame that neither neighbour supports within four semitones (octave errors at the
    edges of notes, blips in silence) is left out first.

    Args:
        tracker_positions: Increasing instants of the tracker's frames [tracker_frames].
        pitch_hz: Pitch at them, in Hz.
        confidence: Confidence at them, 0..1.
        positions: Instants wanted, in the same unit [frames].

    Returns:
        f0_hz and f0_confidence, float32 [frames]; both 0 if no frame is voiced.

    Example:
        >>> f0_hz, _ = fill_unvoiced(
        ...     np.arange(5.0), np.array([220.0, 220.0, 999.0, 440.0, 440.0]),
        ...     np.array([1.0, 1.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.9, 2.1, 4.0]))
        >>> f0_hz.tolist()
        [220.0, 220.0, 440.0, 440.0]
    """
    voiced = (confidence >= VOICED_CONFIDENCE) & (pitch_hz > 0.0)
    supported = _supported(voiced, pitch_hz)
    if not supported.any():
        return np.zeros(positions.shape, np.float32), np.zeros(positions.shape, np.float32)
    instants = tracker_positions[supported]
    octaves = np.log2(pitch_hz[supported].astype(np.float64))
    after = np.searchsorted(instants, positions, side="right")
    right = np.minimum(after, instants.size - 1)
    left = np.maximum(after - 1, 0)
    share = (positions - instants[left]) / np.maximum(instants[right] - instants[left], 1e-9)
    interval = octaves[right] - octaves[left]
    share = np.where(np.abs(interval) > JUMP_SEMITONES / 12.0, share >= 0.5, share)
    f0_hz = np.exp2(octaves[left] + share * interval)
    heard = supported | ~voiced
    f0_confidence = np.interp(positions, tracker_positions[heard], confidence[heard])
    return f0_hz.astype(np.float32), np.clip(f0_confidence, 0.0, 1.0).astype(np.float32)


def _supported(voiced: np.ndarray, pitch_hz: np.ndarray) -> np.ndarray:
    """Tells which voiced frames have a voiced neighbour of about the same pitch."""
    octaves = np.log2(np.where(voiced, pitch_hz, 1.0))
    near = np.abs(np.diff(octaves)) <= SUPPORT_SEMITONES / 12.0
    near &= voiced[1:] & voiced[:-1]
    return np.append(near, False) | np.insert(near, 0, False)


class SwiftF0Tracker(PitchTracker):
    """SwiftF0, a small neural tracker with a calibrated confidence (package `swift-f0`).

    It listens at 16 kHz and answers every 16 ms; audio at other rates is resampled for it, and
    its answers are brought to the wanted frames by `fill_unvoiced`. Audio is fed in stretches of
    30 s, so memory does not grow with the recording. Where the audio peaks below -60 dBFS the
    confidence is 0.
    Nieradzik, "SwiftF0: Fast and Accurate Monophonic Pitch Detection" (2025).

    Args:
        fmin_hz: Lowest pitch considered, at least 46.875 Hz.
        fmax_hz: Highest pitch considered, at most 2093.75 Hz.
        check_octaves: Whether to move answers by octaves where the waveform repeats at another
            one, see `correct_octaves`. Without it, whole notes of instruments whose fundamental
            is weak (saxophone) come out an octave high.
        threads: Threads of the network; by default one a physical core.

    Raises:
        UserError: If the range holds no pitch.

    Example:
        >>> tracker = SwiftF0Tracker()
        >>> sine = 0.5 * np.sin(2 * np.pi * 440 / 16000 * np.arange(16000, dtype=np.float32))
        >>> f0_hz, f0_confidence = tracker.track(sine, sample_rate=16000, hop=64)
        >>> f0_hz.shape, bool(abs(f0_hz[125] - 440) < 3)
        ((250,), True)
    """

    name = "swift_f0"
    _STRETCH_SECONDS = 30

    def __init__(
        self,
        fmin_hz: float = 46.875,
        fmax_hz: float = 2093.75,
        check_octaves: bool = True,
        threads: int | None = None,
    ) -> None:
        if not 46.875 <= fmin_hz < 1.05 * fmin_hz <= fmax_hz <= 2093.75:
            raise UserError(
                f"pitch tracker swift_f0: found the range {fmin_hz} to {fmax_hz} Hz; expected "
                "one inside 46.875 to 2093.75 Hz that spans a semitone or more"
            )
        super().__init__(fmin_hz=fmin_hz, fmax_hz=fmax_hz, check_octaves=check_octaves)
        self._threads = threads
        self._detector = None

    @property
    def version(self) -> str:
        """Version of the installed package."""
        try:
            return importlib.metadata.version("swift-f0")
        except importlib.metadata.PackageNotFoundError as error:
            raise UserError(
                "pitch tracker swift_f0: its package is not installed; pip install swift-f0"
            ) from error

    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording; see `PitchTracker.track`."""
        audio = np.asarray(audio, np.float32)
        pitch_hz, confidence = self._detect(audio, int(sample_rate))
        answers = np.arange(pitch_hz.size) * (0.016 * sample_rate)
        if self.settings["check_octaves"]:
            voiced = np.where(confidence >= VOICED_CONFIDENCE, pitch_hz, 0.0)
            pitch_hz = correct_octaves(
                audio,
                sample_rate,
                answers,
                voiced,
                self.settings["fmin_hz"],
                self.settings["fmax_hz"],
            )
        return fill_unvoiced(
            answers,
            pitch_hz,
            confidence,
            np.arange(audio.shape[-1] // hop) * float(hop),
        )

    def _detect(self, audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
        """Runs the network: pitch and confidence on its own grid of 16 ms."""
        if self._detector is None:
            _ = self.version
            from swift_f0 import SwiftF0

            self._detector = SwiftF0(threads=self._threads)
        stream = self._detector.stream(self.settings["fmin_hz"], self.settings["fmax_hz"])
        stretch = self._STRETCH_SECONDS * sample_rate
        results = [
            stream.push(audio[start : start + stretch], sample_rate)
            for start in range(0, audio.size, stretch)
        ]
        results.append(stream.flush())
        return (
            np.concatenate([result.pitch_hz for result in results]),
            np.concatenate([result.confidence for result in results]),
        )


TRACKERS: dict[str, type[PitchTracker]] = {SwiftF0Tracker.name: SwiftF0Tracker}


def pitch_tracker(name: str, **settings: Any) -> PitchTracker:
    """Makes a pitch tracker by its name.

    Args:
        name: One of `TRACKERS`.
        **settings: Arguments of its constructor.

    Returns:
        The tracker.

    Raises:
        UserError: If there is no such tracker or setting.

    Example:
        >>> pitch_tracker("swift_f0", fmin_hz=100.0).settings
        {'fmin_hz': 100.0, 'fmax_hz': 2093.75, 'check_octaves': True}
    """
    if name not in TRACKERS:
        raise UserError(f"pitch tracker {name!r}: unknown; expected one of {sorted(TRACKERS)}")
    try:
        return TRACKERS[name](**settings)
    except TypeError as error:
        raise UserError(f"pitch tracker {name}: settings {settings} do not fit; {error}") from error
