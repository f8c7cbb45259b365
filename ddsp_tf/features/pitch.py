"""Pitch trackers: from audio to fundamental frequency and confidence per frame."""

import importlib
import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from ddsp_tf.errors import UserError

# Imported on demand, because some trackers import a network runtime.
TRACKERS = {
    "auto": "ddsp_tf.features.auto_tracker:AutoTracker",
    "swift_f0": "ddsp_tf.features.swift_f0:SwiftF0Tracker",
    "crepe": "ddsp_tf.features.crepe_tracker:CrepeTracker",
    "yin": "ddsp_tf.features.yin_tracker:YinTracker",
}
VOICED_CONFIDENCE = 0.5
JUMP_SEMITONES = 1.0
SUPPORT_SEMITONES = 4.0


class PitchTracker(ABC):
    """Base class of pitch trackers.

    A subclass sets `name`, passes the settings that determine its result to this constructor, and
    implements `range_hz`, `version` and `track`.

    Args:
        **settings: Arguments of the subclass's constructor, ready for JSON.

    Example:
        >>> class Steady(PitchTracker):
        ...     name = "steady"
        ...     version = "1"
        ...     def track(self, audio, sample_rate, hop):
        ...         frames = len(audio) // hop
        ...         return np.full(frames, 220.0, np.float32), np.ones(frames, np.float32)
        >>> tracker = Steady()
        >>> f0_hz, f0_confidence = tracker.track(np.zeros(160), 16000, 64)
        >>> f0_hz.tolist(), tracker.describe()
        ([220.0, 220.0], {'name': 'steady', 'version': '1', 'settings': {}})
    """

    name: ClassVar[str]
    # Whether `track` spends its time in code that releases Python's lock, such as a network's.
    # Others work in processes where many recordings are measured at a time.
    releases_lock: ClassVar[bool] = True

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch in Hz that it can track; other pitches give wrong results."""
        return 0.0, math.inf

    @property
    @abstractmethod
    def version(self) -> str:
        """Version of the algorithm or network."""

    @abstractmethod
    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording.

        Args:
            audio: Mono audio, float [samples] in -1..1.
            sample_rate: Sample rate in Hz.
            hop: Samples between two frames; frame k describes sample k * hop.

        Returns:
            f0_hz and f0_confidence (0..1), float32 [samples // hop] each. Frames with a
            confidence of 0.5 or more are voiced; in others, `fill_unvoiced` fills f0_hz.

        Raises:
            UserError: If the audio is not mono, holds integers or is not finite.
        """

    def describe(self) -> dict[str, Any]:
        """Returns name, version and settings, as a dataset records them."""
        return {"name": self.name, "version": self.version, "settings": dict(self.settings)}


def fill_unvoiced(
    tracker_positions: np.ndarray,
    pitch_hz: np.ndarray,
    confidence: np.ndarray,
    positions: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Resamples a tracker's frames, with a pitch at every instant.

    Only voiced frames (confidence of 0.5 or more) count. Between two of them within a semitone,
    pitch is interpolated in log frequency; across a larger interval the nearer one is held, so a
    jump stays a jump. The same rule bridges unvoiced spans: an attack gets the pitch of the
    following note, a release that of the preceding one. The first and last voiced pitches are held
    to the ends. Confidence is interpolated linearly, so it is low wherever there is no pitch.
    Voiced frames without a neighbour within four semitones (octave errors at the edges of notes,
    blips in silence) are dropped first.

    Args:
        tracker_positions: Instants of the tracker's frames, increasing [tracker_frames].
        pitch_hz: Pitch at these instants in Hz.
        confidence: Confidence at these instants, 0..1.
        positions: Requested instants, in the same unit [frames].

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
    reliable = supported | ~voiced
    f0_confidence = np.interp(positions, tracker_positions[reliable], confidence[reliable])
    return f0_hz.astype(np.float32), np.clip(f0_confidence, 0.0, 1.0).astype(np.float32)


def _supported(voiced: np.ndarray, pitch_hz: np.ndarray) -> np.ndarray:
    """Returns which voiced frames have a voiced neighbour of about the same pitch."""
    octaves = np.log2(np.where(voiced, pitch_hz, 1.0))
    near = np.abs(np.diff(octaves)) <= SUPPORT_SEMITONES / 12.0
    near &= voiced[1:] & voiced[:-1]
    return np.append(near, False) | np.insert(near, 0, False)


def pitch_tracker(name: str, **settings: Any) -> PitchTracker:
    """Creates a pitch tracker by its name.

    Args:
        name: Name of the tracker, one of `TRACKERS`.
        **settings: Arguments of its constructor.

    Returns:
        The tracker.

    Raises:
        UserError: If there is no such tracker or setting.

    Example:
        >>> pitch_tracker("auto", lowest_hz=100.0).settings
        {'lowest_hz': 100.0, 'highest_hz': 4200.0}
    """
    if name not in TRACKERS:
        raise UserError(f"pitch tracker {name!r}: unknown; expected one of {sorted(TRACKERS)}")
    module, _, tracker = TRACKERS[name].partition(":")
    make = getattr(importlib.import_module(module), tracker)
    try:
        return make(**settings)
    except TypeError as error:
        raise UserError(f"pitch tracker {name}: settings {settings} do not fit; {error}") from error


def tracker_difference(taught: dict[str, Any], used: dict[str, Any]) -> str | None:
    """Compares the tracker that a model is played with to the one of its training data.

    Two trackers disagree at attacks, in pauses and about octaves, which a model turns into
    artefacts.

    Args:
        taught: `PitchTracker.describe()` of the model's training data.
        used: `PitchTracker.describe()` of the curves to be played.

    Returns:
        A sentence on the difference, or None if the trackers are equal.

    Example:
        >>> swift = {"name": "swift_f0", "version": "0.3.0", "settings": {}}
        >>> tracker_difference(swift, {"name": "yin", "version": "1", "settings": {}})[:54]
        'pitch tracker: found yin 1, but the model was trained '
        >>> tracker_difference(swift, dict(swift))
    """
    differing = [key for key in ("name", "version", "settings") if taught.get(key) != used.get(key)]
    if not differing:
        return None

    def text(tracker):
        settings = tracker.get("settings") or {}
        shown = ", ".join(f"{name}={value}" for name, value in settings.items())
        label = f"{tracker.get('name')} {tracker.get('version')}"
        return f"{label} ({shown})" if shown and "settings" in differing else label

    return (
        f"pitch tracker: found {text(used)}, but the model was trained with {text(taught)}; expect "
        "other artefacts, or measure with the same tracker"
    )
