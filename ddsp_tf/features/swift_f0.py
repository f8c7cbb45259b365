"""The pitch tracker SwiftF0, from its own package."""

import importlib.metadata
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError
from ddsp_tf.features.audio_input import mono_audio
from ddsp_tf.features.octaves import correct_octaves
from ddsp_tf.features.pitch import VOICED_CONFIDENCE, PitchTracker, fill_unvoiced


class SwiftF0Tracker(PitchTracker):
    """Tracks pitch with SwiftF0, a small neural network (`pip install ddsp-tf[swift]`).

    It works at 16 kHz with a hop of 16 ms; audio at other rates is resampled, and `fill_unvoiced`
    resamples the result to the requested frames. Audio is processed in chunks of 30 s, so memory
    does not grow with the recording. The confidence is 0 where the audio peaks below -60 dBFS.
    Nieradzik, "SwiftF0: Fast and Accurate Monophonic Pitch Detection" (2025).

    Args:
        fmin_hz: Lowest pitch considered, at least 46.875 Hz.
        fmax_hz: Highest pitch considered, at most 2093.75 Hz.
        check_octaves: Whether to correct octave errors by autocorrelation; see `correct_octaves`.
            Without it, whole notes of instruments with a weak fundamental (saxophone) are measured
            an octave too high.
        threads: Number of threads of the network. Recordings are prepared in parallel, so one is
            best; None for one per physical core.

    Raises:
        UserError: If the range is too narrow or out of bounds.

    Example:
        >>> tracker = SwiftF0Tracker()
        >>> sine = 0.5 * np.sin(2 * np.pi * 440 / 16000 * np.arange(16000, dtype=np.float32))
        >>> f0_hz, f0_confidence = tracker.track(sine, sample_rate=16000, hop=64)
        >>> f0_hz.shape, bool(abs(f0_hz[125] - 440) < 3)
        ((250,), True)
    """

    name = "swift_f0"
    _CHUNK_SECONDS = 30

    def __init__(
        self,
        fmin_hz: float = 46.875,
        fmax_hz: float = 2093.75,
        check_octaves: bool = True,
        threads: int | None = 1,
    ) -> None:
        if not 46.875 <= fmin_hz < 1.05 * fmin_hz <= fmax_hz <= 2093.75:
            raise UserError(
                f"pitch tracker swift_f0: found the range {fmin_hz} to {fmax_hz} Hz; expected "
                "one inside 46.875 to 2093.75 Hz that spans a semitone or more"
            )
        super().__init__(fmin_hz=fmin_hz, fmax_hz=fmax_hz, check_octaves=check_octaves)
        self._threads = threads
        self._detector: Any = None

    def __getstate__(self) -> dict:
        """Omits the network: processes that receive a copy load it themselves."""
        return {**self.__dict__, "_detector": None}

    @property
    def range_hz(self) -> tuple[float, float]:
        """Lowest and highest pitch considered."""
        return self.settings["fmin_hz"], self.settings["fmax_hz"]

    @property
    def version(self) -> str:
        """Version of the installed package."""
        try:
            return importlib.metadata.version("swift-f0")
        except importlib.metadata.PackageNotFoundError as error:
            raise UserError(
                "pitch tracker swift_f0: needs SwiftF0, which is not installed; pip install "
                "ddsp-tf[swift]"
            ) from error

    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording; see `PitchTracker.track`."""
        audio = mono_audio(audio, sample_rate, hop)
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
        """Runs the network: pitch and confidence every 16 ms."""
        if self._detector is None:
            _ = self.version
            from swift_f0 import SwiftF0

            self._detector = SwiftF0(threads=self._threads)
        stream = self._detector.stream(self.settings["fmin_hz"], self.settings["fmax_hz"])
        chunk = self._CHUNK_SECONDS * sample_rate
        results = [
            stream.push(audio[start : start + chunk], sample_rate)
            for start in range(0, audio.size, chunk)
        ]
        results.append(stream.flush())
        return (
            np.concatenate([result.pitch_hz for result in results]),
            np.concatenate([result.confidence for result in results]),
        )
