"""Audio files as mono blocks at a wanted rate, with what was seen of the file on the way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import soundfile
import soxr

from ddsp_tf.errors import UserError

SILENT_PEAK_DB = -60.0
_BLOCK_VALUES = 1 << 18
_LOUDEST_PEAK = 16.0
_CLIPPED_RUN = 3
_FULL_SCALE = {"PCM_U8": 127 / 128, "PCM_S8": 127 / 128}
_LOST_IN_MONO_DB = 40.0
# Sizes that programs write into a WAV header before they know better.
_OPEN_ENDED = 0x7FF00000


class AudioDecoder:
    """Decodes one file, block by block, in memory that does not grow with it.

    Channels are averaged; other rates are resampled by soxr at its very high quality.

    Args:
        path: The file.
        sample_rate: Wanted, in Hz.

    Attributes:
        file_rate: Sample rate of the file, in Hz.
        channels: Of the file.
        expected: Samples to expect at the wanted rate; the file's own claim.
        decoded: Samples given so far.
        peak: Of the channels' mean, so far.
        channel_peak: Highest of any channel, so far.
        clipped_share: Share of values in runs of three or more at full scale.
        mono_loss_db: How much quieter the mean of the channels is than the channels: 0 if they
            are alike, 3 for two that have nothing in common.

    Raises:
        UserError: If the file is missing, no audio, damaged or empty.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "stereo.wav"
        >>> soundfile.write(path, np.full([44100, 2], 0.25), 44100)
        >>> decoder = AudioDecoder(path, sample_rate=16000)
        >>> sum(block.size for block in decoder.blocks()), decoder.mono_loss_db
        (16000, 0.0)
    """

    def __init__(self, path: str | os.PathLike, sample_rate: int) -> None:
        self.path, self.sample_rate = Path(path), int(sample_rate)
        _check_file(self.path)
        self.decoded = 0
        self.peak = self.channel_peak = 0.0
        self._clipped = self._values = 0
        self._channel_power = self._mono_power = 0.0
        with _reported(self.path):
            self._file = soundfile.SoundFile(str(self.path))
        self.file_rate, self.channels = self._file.samplerate, self._file.channels
        if self._file.frames < 1:
            self._file.close()
            raise UserError(f"{self.path}: holds no audio")
        self.expected = self._file.frames * self.sample_rate // self.file_rate + 2
        self._full_scale = _FULL_SCALE.get(self._file.subtype, 0.9999)

    @property
    def clipped_share(self) -> float:
        """See the class."""
        return self._clipped / max(self._values, 1)

    @property
    def mono_loss_db(self) -> float:
        """See the class."""
        if self._channel_power <= 0.0:
            return 0.0
        ratio = max(self._channel_power, 1e-30) / max(self._mono_power, 1e-30)
        return round(10.0 * float(np.log10(ratio)), 2)

    def blocks(self) -> Iterator[np.ndarray]:
        """Decodes the file, once.

        Yields:
            Mono float32 [samples], nominally in -1..1, of any size.

        Raises:
            UserError: If the file is damaged, holds NaN, infinite or absurdly large samples, or
                its channels cancel each other so that the mean of them is silent.
        """
        resampler = None
        if self.file_rate != self.sample_rate:
            resampler = soxr.ResampleStream(
                self.file_rate, self.sample_rate, 1, dtype="float32", quality="VHQ"
            )
        frames, claimed = 0, self._file.frames
        size = max(1, _BLOCK_VALUES // self.channels)
        with _reported(self.path), self._file:
            while True:
                block = self._file.read(size, dtype="float32", always_2d=True)
                self._check(block, frames)
                frames += len(block)
                mono = block[:, 0] if self.channels == 1 else block.mean(axis=1)
                self._look(block, mono)
                if resampler is not None:
                    mono = np.ascontiguousarray(mono)
                    mono = resampler.resample_chunk(mono, last=len(block) == 0)
                self.decoded += mono.size
                if mono.size:
                    yield mono
                if len(block) == 0:
                    break
        if frames < 0.99 * claimed:
            raise UserError(
                f"{self.path}: damaged, ends after {frames} of {claimed} samples; copy it again"
            )
        self._check_cancellation()

    def _check(self, block: np.ndarray, first: int) -> None:
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            place = (first + int(np.argmin(finite))) / self.file_rate
            raise UserError(
                f"{self.path}: NaN or infinite sample at {place:.3f} s; export the file again"
            )
        peak = float(max(block.max(initial=0.0), -block.min(initial=0.0)))
        if peak > _LOUDEST_PEAK:
            raise UserError(
                f"{self.path}: found samples up to {peak:.6g}; expected -1..1; scale it to full "
                "scale 1"
            )
        self.channel_peak = max(self.channel_peak, peak)

    def _look(self, block: np.ndarray, mono: np.ndarray) -> None:
        """Measures clipping, and what is lost by averaging the channels."""
        self.peak = max(self.peak, float(max(mono.max(initial=0.0), -mono.min(initial=0.0))))
        self._channel_power += float(np.einsum("ij,ij->", block, block)) / self.channels
        self._mono_power += float(mono @ mono)
        self._values += block.size
        if self.channel_peak >= self._full_scale and len(block) >= _CLIPPED_RUN:
            full = np.abs(block) >= self._full_scale
            run = full[:-2] & full[1:-1] & full[2:]
            inside = np.zeros_like(full)
            for shift in range(_CLIPPED_RUN):
                inside[shift : shift + len(run)] |= run
            self._clipped += int(np.count_nonzero(inside))

    def _check_cancellation(self) -> None:
        peak_db, channel_db = (
            20.0 * np.log10(max(peak, 1e-10)) for peak in (self.peak, self.channel_peak)
        )
        if peak_db < SILENT_PEAK_DB and channel_db > peak_db + _LOST_IN_MONO_DB:
            raise UserError(
                f"{self.path}: its {self.channels} channels cancel each other (antiphase): they "
                f"peak at {channel_db:.0f} dBFS, their mean at {peak_db:.0f} dBFS; turn the "
                "polarity of one around, or export one channel alone"
            )


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turns what libsndfile raises about a file into a user's error."""
    try:
        yield
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        reason = str(error).rpartition("': ")[2].rstrip(".")
        raise UserError(
            f"{path}: cannot be read as audio ({reason}); expected an intact file in a format "
            "that libsndfile reads, such as .wav, .flac, .ogg or .mp3"
        ) from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path}: is a folder; expected an audio file")
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: is not a regular file; expected audio")
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            _check_wav_length(path, file, size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if size == 0:
        raise UserError(f"{path}: the file is empty; expected audio")


def _check_wav_length(path: Path, file: IO[bytes], size: int) -> None:
    """Compares the length in a WAV header with the file; libsndfile passes over a missing end."""
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    while len(chunk := file.read(8)) == 8:
        length = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            rest = size - file.tell()
            if rest < 0.99 * length and length < _OPEN_ENDED:
                raise UserError(
                    f"{path}: damaged, holds {rest} of {length} bytes of audio; copy it again"
                )
            return
        file.seek(length + length % 2, os.SEEK_CUR)
