"""Measurement of all features of a recording."""

from typing import Any

import numpy as np

from ddsp_tf.dsp.rates import hop_size
from ddsp_tf.errors import UserError, check_number
from ddsp_tf.features.audio_input import mono_audio
from ddsp_tf.features.loudness import loudness_db, power_db
from ddsp_tf.features.pitch import PitchTracker, pitch_tracker, tracker_difference
from ddsp_tf.features.refinement import refine_f0 as refined

# Several seconds at any rate; memory is proportional to this.
_LARGEST_WINDOW = 1 << 20
FEATURES = ("f0_hz", "f0_confidence", "loudness_db", "power_db")


class FeatureExtractor:
    """Measures pitch and loudness of mono audio, one value per frame.

    Args:
        sample_rate: Sample rate of the audio in Hz.
        frame_rate: Frames per second; divides the sample rate.
        pitch_tracker: Tracker, its name (with default settings), or its name with settings, such
            as `{"name": "yin", "lowest_hz": 40.0}`.
        loudness_fft_size: Window of `loudness_db` in samples.
        power_frame_size: Window of `power_db` in samples.
        refine_f0: Whether the phases of the harmonics refine the tracker's pitch; see
            `ddsp_tf.features.refinement.refine_f0`.

    Raises:
        UserError: If the rates do not divide, a setting is out of range or the tracker unknown.

    Example:
        >>> extractor = FeatureExtractor(sample_rate=16000, frame_rate=250)
        >>> sine = 0.5 * np.sin(2 * np.pi * 440 / 16000 * np.arange(16000))
        >>> {name: values.shape for name, values in extractor.extract(sine).items()}
        {'f0_hz': (250,), 'f0_confidence': (250,), 'loudness_db': (250,), 'power_db': (250,)}
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        frame_rate: float = 250,
        pitch_tracker: str | dict[str, Any] | PitchTracker = "auto",
        loudness_fft_size: int = 512,
        power_frame_size: int = 1024,
        refine_f0: bool = True,
    ) -> None:
        check_number("sample_rate", sample_rate, 1, 1_000_000)
        check_number("frame_rate", frame_rate, 1e-3, 1e5)
        try:
            self.hop = hop_size(sample_rate, frame_rate)
        except ValueError as error:
            raise UserError(f"feature extractor: {error}") from error
        self.sample_rate = int(sample_rate)
        self.frame_rate = int(frame_rate) if frame_rate == int(frame_rate) else float(frame_rate)
        self.tracker = _tracker(pitch_tracker)
        self.recorded_tracker: dict[str, Any] | None = None
        for name, value in (
            ("loudness_fft_size", loudness_fft_size),
            ("power_frame_size", power_frame_size),
        ):
            check_number(name, value, 2, _LARGEST_WINDOW, whole=True)
        self.loudness_fft_size = loudness_fft_size
        self.power_frame_size = power_frame_size
        if not isinstance(refine_f0, bool):
            raise UserError(f"refine_f0 {refine_f0!r}: expected True or False")
        self.refine_f0 = refine_f0

    def extract(self, audio: np.ndarray) -> dict[str, np.ndarray]:
        """Measures one recording.

        Args:
            audio: Mono audio [samples] in -1..1, at least one hop long.

        Returns:
            `f0_hz`, `f0_confidence` (0..1), `loudness_db` and `power_db`, float32
            [samples // hop] each. Frame k describes sample k * hop.

        Raises:
            UserError: If the audio is not mono, too short, in integers or not finite; see
                `ddsp_tf.features.audio_input.mono_audio`.
        """
        audio = mono_audio(audio, self.sample_rate, self.hop)
        if audio.size < self.hop:
            raise UserError(
                f"audio of {audio.size} samples: expected at least a frame, {self.hop} samples"
            )
        f0_hz, f0_confidence = self.tracker.track(audio, self.sample_rate, self.hop)
        if self.refine_f0:
            f0_hz = refined(audio, f0_hz, f0_confidence, self.sample_rate, self.hop)
        return {
            "f0_hz": f0_hz,
            "f0_confidence": f0_confidence,
            "loudness_db": loudness_db(audio, self.sample_rate, self.hop, self.loudness_fft_size),
            "power_db": power_db(audio, self.hop, self.power_frame_size),
        }

    def describe(self) -> dict[str, Any]:
        """Returns everything that determines the result, ready for JSON.

        Returns:
            `sample_rate`, `frame_rate`, `hop`, `loudness_fft_size`, `power_frame_size`,
            `refine_f0`, and `pitch_tracker` with its name, version and settings.
        """
        return {
            "sample_rate": self.sample_rate,
            "frame_rate": self.frame_rate,
            "hop": self.hop,
            "loudness_fft_size": self.loudness_fft_size,
            "power_frame_size": self.power_frame_size,
            "refine_f0": self.refine_f0,
            "pitch_tracker": self.tracker.describe(),
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> "FeatureExtractor":
        """Creates the extractor of a description.

        The tracker is the installed one, whatever version the description names;
        `tracker_change` returns the difference.

        Args:
            description: Dictionary from `describe`.

        Returns:
            An extractor with the same settings.

        Raises:
            UserError: If a setting is missing or unknown.
        """
        try:
            tracker = description["pitch_tracker"]
            extractor = cls(
                sample_rate=description["sample_rate"],
                frame_rate=description["frame_rate"],
                pitch_tracker=pitch_tracker(tracker["name"], **tracker["settings"]),
                loudness_fft_size=description["loudness_fft_size"],
                power_frame_size=description["power_frame_size"],
                refine_f0=description["refine_f0"],
            )
        except KeyError as error:
            raise UserError(f"feature extractor: the description lacks {error}") from error
        extractor.recorded_tracker = tracker
        return extractor

    def tracker_change(self) -> str | None:
        """Returns a sentence if the tracker differs from the description's, else None."""
        if self.recorded_tracker is None:
            return None
        return tracker_difference(self.recorded_tracker, self.tracker.describe())


def _tracker(tracker: str | dict[str, Any] | PitchTracker) -> PitchTracker:
    if isinstance(tracker, PitchTracker):
        return tracker
    settings = dict(tracker) if isinstance(tracker, dict) else {"name": tracker}
    if not isinstance(settings.get("name"), str):
        raise UserError(
            f"pitch_tracker {tracker!r}: expected a tracker's name, or its name and settings, such "
            "as {'name': 'yin', 'lowest_hz': 40.0}"
        )
    return pitch_tracker(**settings)
