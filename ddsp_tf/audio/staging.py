"""A decoded recording on disk, so that memory does not grow with its length."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ddsp_tf.audio.decoding import AudioDecoder

BLOCK_SECONDS = 0.05


class StagedAudio:
    """Mono audio at a given rate in a temporary file.

    Args:
        path: Recording.
        staging: File to write, raw float32; the caller removes it.
        sample_rate: Sample rate of the result, in Hz.
        channel: Channels to use: "mean" of all, "left" or "right".
        on_share: Function called with the share of the file decoded so far, 0..1.

    Attributes:
        decoder: Decoder, with its measurements.
        samples: Number of samples.
        peak: Highest absolute sample.
        block_powers: Mean squares of blocks of 50 ms.
        gain_db: Gain that `read` applies, in dB; 0 at first.

    Raises:
        UserError: If the recording cannot be read.
        OSError: If the disk is full.
    """

    def __init__(
        self,
        path: Path,
        staging: Path,
        sample_rate: int,
        channel: str = "mean",
        on_share: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.decoder = AudioDecoder(path, sample_rate, channel)
        self.gain_db = 0.0
        self._staging = staging
        powers, rest = [np.zeros(0)], np.zeros(0, np.float32)
        block_size = max(1, round(BLOCK_SECONDS * sample_rate))
        self.peak = 0.0
        with open(staging, "wb") as file:
            for block in self.decoder.blocks():
                file.write(block.astype("<f4", copy=False).tobytes())
                self.peak = max(self.peak, float(block.max()), -float(block.min()))
                rest = np.concatenate([rest, block])
                whole = rest[: rest.size // block_size * block_size].reshape(-1, block_size)
                powers.append(np.square(whole, dtype=np.float64).mean(axis=1))
                rest = rest[whole.size :]
                on_share(min(self.decoder.decoded / max(self.decoder.expected, 1), 1.0))
        self.samples = self.decoder.decoded
        self.block_powers = np.concatenate(powers)

    def read(self, first: int, count: int) -> np.ndarray:
        """Reads samples.

        Args:
            first: Number of the first sample.
            count: Number of samples; fewer are returned at the end.

        Returns:
            Float32 [samples].
        """
        with open(self._staging, "rb") as file:
            audio = np.fromfile(file, "<f4", count, offset=4 * first)
        return audio * np.float32(10.0 ** (self.gain_db / 20.0)) if self.gain_db else audio
