"""CREPE as a pitch tracker of recordings."""

import os
from typing import Any

import numpy as np
import soxr

from ddsp_tf.errors import UserError
from ddsp_tf.features.audio_input import mono_audio
from ddsp_tf.features.chunks import track_in_chunks
from ddsp_tf.features.crepe import (
    BINS,
    CAPACITIES,
    FRAME_SIZE,
    SAMPLE_RATE,
    crepe_network,
    normalized_frames,
    pitch_of_activation,
)
from ddsp_tf.features.crepe_weights import find_weights, load_weights
from ddsp_tf.features.pitch import PitchTracker, fill_unvoiced

_CHUNK_SECONDS = 30.0
_CONTEXT_SECONDS = 0.2
_VITERBI_CONTEXT_SECONDS = 2.0
_SILENT_PEAK = 1e-3
# Frames times capacity of a batch: about 150 MB, and enough to keep a GPU busy.
_BATCH = 4096


class CrepeTracker(PitchTracker):
    """CREPE, the network of the original DDSP, with its official weights.

    It analyses the 64 ms around every frame at 16 kHz, at any hop; other rates are resampled. The
    confidence is the network's largest activation; it is 0 where the 64 ms peak below -60 dBFS. Kim
    et al., "CREPE: A Convolutional Representation for Pitch Estimation" (2018).

    Args:
        capacity: Size of the network: "tiny", "small", "medium", "large" or "full".
        viterbi: Whether pitch follows the likeliest path instead of each frame's best bin.
        weights: `.h5` or `.h5.bz2` file in the official layout; by default that of the installed
            `crepe` package, or a download (see `crepe_weights.find_weights`). The path is not part
            of the description; `version` identifies the weights.
        batch_frames: Number of frames in a batch; by default enough to keep a GPU busy.

    Raises:
        UserError: If there is no such capacity; when tracking, if the weights cannot be found.

    Example:
        >>> CrepeTracker(capacity="tiny").settings
        {'capacity': 'tiny', 'viterbi': False}
    """

    name = "crepe"
    # Centres of the first and the last bin with training data.
    range_hz = (32.7, 1975.5)

    def __init__(
        self,
        capacity: str = "full",
        viterbi: bool = False,
        weights: str | os.PathLike | None = None,
        batch_frames: int | None = None,
    ) -> None:
        if capacity not in CAPACITIES:
            raise UserError(
                f"pitch tracker crepe: found the capacity {capacity!r}; expected one of "
                f"{', '.join(CAPACITIES)}"
            )
        if batch_frames is not None and not (isinstance(batch_frames, int) and batch_frames > 0):
            raise UserError(
                f"pitch tracker crepe: batch_frames is {batch_frames!r}; expected 1 or more"
            )
        super().__init__(capacity=capacity, viterbi=bool(viterbi))
        self._weights = weights
        self._batch_frames = batch_frames or _BATCH // CAPACITIES[capacity]
        self._network: Any = None
        self._sha256 = ""

    def __getstate__(self) -> dict:
        """Omits the network: processes that receive a copy load it themselves."""
        return {**self.__dict__, "_network": None}

    @property
    def version(self) -> str:
        """First digits of the sha256 of the unpacked weights."""
        self._load()
        return f"weights {self._sha256[:12]}"

    def track(self, audio: np.ndarray, sample_rate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
        """Tracks one recording; see `PitchTracker.track`."""
        self._load()
        audio = mono_audio(audio, sample_rate, hop)
        frame_rate = sample_rate / hop
        context = _VITERBI_CONTEXT_SECONDS if self.settings["viterbi"] else _CONTEXT_SECONDS
        answers_hz, confidence = track_in_chunks(
            audio,
            hop,
            max(1, round(_CHUNK_SECONDS * frame_rate)),
            max(1, round(context * frame_rate)),
            lambda piece: self._track_chunk(piece, sample_rate, hop),
        )
        instants = np.arange(answers_hz.size, dtype=np.float64)
        return fill_unvoiced(instants, answers_hz, confidence, instants)

    def _track_chunk(self, audio, sample_rate, hop) -> tuple[np.ndarray, np.ndarray]:
        frames = audio.size // hop
        if sample_rate != SAMPLE_RATE:
            audio = soxr.resample(audio, sample_rate, SAMPLE_RATE)
        centres = np.round(np.arange(frames) * (hop * SAMPLE_RATE / sample_rate)).astype(np.int64)
        centres = np.minimum(centres, audio.size)
        activation = self.activation(audio, centres)
        activation[_peaks(audio, centres) < _SILENT_PEAK] = 0.0
        return pitch_of_activation(activation, self.settings["viterbi"]), activation.max(axis=1)

    def activation(self, audio: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Computes the network's activation around some samples, batch by batch.

        Args:
            audio: Mono audio [samples] at 16 kHz.
            centres: Centres of the frames in samples, integers [frames].

        Returns:
            Activation of the pitch bins, float32 [frames, 360].
        """
        self._load()
        activation = np.empty((centres.size, BINS), np.float32)
        for first in range(0, centres.size, self._batch_frames):
            wanted = centres[first : first + self._batch_frames]
            # Few batch sizes, because each one is compiled.
            size = min(self._batch_frames, 1 << max(4, (wanted.size - 1).bit_length()))
            frames = normalized_frames(audio, np.resize(wanted, size))
            answer = self._network.predict_on_batch(frames)
            activation[first : first + wanted.size] = answer[: wanted.size]
        return activation

    def _load(self) -> None:
        if self._network is None:
            capacity = self.settings["capacity"]
            network = crepe_network(capacity)
            self._sha256 = load_weights(network, find_weights(capacity, self._weights))
            self._network = network


def _peaks(audio: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Returns the largest absolute value in a frame around each centre, to within 64 samples."""
    blocks = FRAME_SIZE // 64
    padded = np.pad(np.abs(audio), (FRAME_SIZE // 2, FRAME_SIZE + 64))
    short = padded[: padded.size // 64 * 64].reshape(-1, 64).max(axis=1)
    return np.lib.stride_tricks.sliding_window_view(short, blocks).max(axis=1)[centres // 64]
