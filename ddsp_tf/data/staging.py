"""A decoded recording on disk, so that memory does not grow with its length."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ddsp_tf.audio.decoding import SILENT_PEAK_DB, AudioDecoder
from ddsp_tf.audio.files import check_length
from ddsp_tf.data.rules import MINIMUM_SECONDS, PreparationRules
from ddsp_tf.errors import UserError

_BLOCKS_PER_SECOND = 20


class StagedAudio:
    """Mono audio at the dataset's rate in a temporary file, with the gain that the rules give.

    Args:
        path: The recording.
        staging: The file to write, raw float32. It stays until `remove`.
        sample_rate: Wanted, in Hz.
        rules: Give the gain.
        on_share: Called with the share of the file decoded so far, 0..1.

    Attributes:
        decoder: With what was seen of the file.
        samples: In all.
        gain_db: That `read` applies.

    Raises:
        UserError: If the recording cannot be read, is too short, or silent.
        OSError: If there is no room for the file.
    """

    def __init__(
        self,
        path: Path,
        staging: Path,
        sample_rate: int,
        rules: PreparationRules,
        on_share: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.decoder = AudioDecoder(path, sample_rate)
        self.sample_rate = sample_rate
        self._staging = staging
        powers, rest = [], np.zeros(0, np.float32)
        block_size = max(1, sample_rate // _BLOCKS_PER_SECOND)
        peak = 0.0
        with open(staging, "wb") as file:
            for block in self.decoder.blocks():
                file.write(block.astype("<f4", copy=False).tobytes())
                peak = max(peak, float(block.max()), -float(block.min()))
                rest = np.concatenate([rest, block])
                whole = rest[: rest.size // block_size * block_size].reshape(-1, block_size)
                powers.append(np.square(whole, dtype=np.float64).mean(axis=1))
                rest = rest[whole.size :]
                on_share(min(self.decoder.decoded / self.decoder.expected, 1.0))
        self.samples = self.decoder.decoded
        check_length(path, self.samples, sample_rate, MINIMUM_SECONDS)
        peak_db = 20.0 * np.log10(max(peak, 1e-10))
        if peak_db < SILENT_PEAK_DB:
            raise UserError(
                f"{path}: silent: peaks at {peak_db:.0f} dBFS; expected {SILENT_PEAK_DB:g} or more"
            )
        self.gain_db = rules.gain_db(peak, np.concatenate(powers))

    def read(self, first: int, count: int) -> np.ndarray:
        """Reads samples, fewer at the end.

        Args:
            first: First sample.
            count: Samples wanted.

        Returns:
            Float32 [samples].
        """
        with open(self._staging, "rb") as file:
            audio = np.fromfile(file, "<f4", count, offset=4 * first)
        return audio * np.float32(10.0 ** (self.gain_db / 20.0)) if self.gain_db else audio

    def remove(self) -> None:
        """Removes the temporary file."""
        self._staging.unlink(missing_ok=True)
