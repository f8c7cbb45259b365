"""Decoding of recordings to mono blocks at a given sample rate, with measurements on the way."""

import numbers
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ddsp_tf.audio.completeness import check_complete
from ddsp_tf.audio.formats import MEDIA_CONTAINERS
from ddsp_tf.audio.media import MediaSource
from ddsp_tf.errors import UserError
from ddsp_tf.files.names import native_name

CHANNELS = ("mean", "left", "right")
SILENT_PEAK_DB = -60.0
_BLOCK_VALUES = 1 << 18
_LOUDEST_PEAK = 16.0
_LOWEST_RATE, _HIGHEST_RATE = 1000, 1_000_000
_CLIPPED_RUN = 3
_FULL_SCALE = {"PCM_U8": 127 / 128, "PCM_S8": 127 / 128}
_FLAT = 1e-6
_LOST_IN_MONO_DB = 40.0
_LEAST_SHARE = 0.99
# Other formats have no length by which a truncated file could be recognized.
_FORMATS = frozenset(
    ["WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "SVX", "NIST", "VOC"]
)


class AudioDecoder:
    """Decodes one recording block by block, in constant memory.

    soxr resamples other sample rates at its "very high quality". PyAV, if installed, decodes
    containers that libsndfile does not read (.m4a, .mp4, .webm and others).

    Args:
        path: Recording.
        sample_rate: Sample rate of the result, in Hz.
        channel: Channels to use: "mean" of all, or only the "left" (first) or "right" (second) one;
            a mono recording is used as it is.

    Attributes:
        file_rate: Sample rate of the file, in Hz.
        channels: Number of channels in the file.
        decoded: Samples yielded so far.
        peak: Highest absolute sample of the result so far, before resampling.
        channel_peak: Highest absolute sample of any channel used so far.
        expected: Number of samples according to the file, which may be wrong; 0 if unknown.

    Raises:
        UserError: If the file is missing, not audio, cut off, empty, or needs PyAV.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "stereo.wav"
        >>> soundfile.write(path, np.full([44100, 2], 0.25), 44100)
        >>> decoder = AudioDecoder(path, sample_rate=16000)
        >>> sum(block.size for block in decoder.blocks()), decoder.mono_loss_db
        (16000, 0.0)
    """

    def __init__(self, path: str | os.PathLike, sample_rate: int, channel: str = "mean") -> None:
        if channel not in CHANNELS:
            raise UserError(f"channel {channel!r}: unknown; expected {', '.join(CHANNELS)}")
        # The resampler requests memory in proportion to the rate, and crashes if there is too
        # little.
        number = isinstance(sample_rate, numbers.Real) and not isinstance(sample_rate, bool)
        if not (number and _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE and sample_rate % 1 == 0):
            raise UserError(
                f"sample_rate is {sample_rate!r}; expected a whole number of Hz from "
                f"{_LOWEST_RATE} to {_HIGHEST_RATE}"
            )
        self.path, self.sample_rate, self.channel = Path(path), int(sample_rate), channel
        self.decoded = 0
        self.peak = self.channel_peak = 0.0
        self._clipped = self._values = 0
        self._channel_power = self._mono_power = 0.0
        container = check_complete(self.path)
        kind = MediaSource if container in MEDIA_CONTAINERS else _SoundFileSource
        self._source: MediaSource | _SoundFileSource = kind(self.path)
        self.file_rate, self.channels = self._source.file_rate, self._source.channels
        if not (_LOWEST_RATE <= self.file_rate <= _HIGHEST_RATE and self.channels > 0):
            self._source.close()
            raise UserError(
                f"{self.path}: claims {self.channels} channels at a sample rate of "
                f"{self.file_rate} Hz; expected {_LOWEST_RATE} to {_HIGHEST_RATE} Hz; export it "
                "again"
            )
        self.expected = (self._source.frames or 0) * self.sample_rate // self.file_rate

    @property
    def clipped_share(self) -> float:
        """Share of samples in flat runs of three or more at full scale."""
        return self._clipped / max(self._values, 1)

    @property
    def mono_loss_db(self) -> float:
        """Level of the channels relative to their mean, in dB; 3 dB for two unrelated ones."""
        if self._channel_power <= 0.0:
            return 0.0
        ratio = max(self._channel_power, 1e-30) / max(self._mono_power, 1e-30)
        return round(10.0 * float(np.log10(ratio)), 2)

    def blocks(self) -> Iterator[np.ndarray]:
        """Decodes the file, once.

        Yields:
            Mono float32 [samples], nominally in -1..1; blocks may have any length.

        Raises:
            UserError: If the file is damaged, holds NaN, infinite or absurdly large samples, or
                its channels cancel each other so that their mean is silent.
        """
        resampler = None
        if self.file_rate != self.sample_rate:
            resampler = soxr.ResampleStream(
                self.file_rate, self.sample_rate, 1, dtype="float32", quality="VHQ"
            )
        frames = 0
        for block in self._source.blocks(max(1, _BLOCK_VALUES // self.channels)):
            chosen = self._choose(block)
            self._check(chosen, frames)
            frames += len(chosen)
            mono = chosen[:, 0] if chosen.shape[1] == 1 else chosen.mean(axis=1)
            self._look(chosen, mono)
            if resampler is not None:
                mono = resampler.resample_chunk(np.ascontiguousarray(mono))
            self.decoded += mono.size
            if mono.size:
                yield mono
        if resampler is not None:
            rest = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            self.decoded += rest.size
            if rest.size:
                yield rest
        self._check_length(frames)
        self._check_cancellation()

    def _choose(self, block: np.ndarray) -> np.ndarray:
        if self.channel == "mean" or block.shape[1] == 1:
            return block
        number = CHANNELS.index(self.channel) - 1
        return block[:, number : number + 1]

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
        """Measures clipping, and the loss of level by averaging the channels."""
        self.peak = max(self.peak, float(max(mono.max(initial=0.0), -mono.min(initial=0.0))))
        self._channel_power += float(np.einsum("ij,ij->", block, block)) / block.shape[1]
        self._mono_power += float(mono @ mono)
        self._values += block.size
        if self.channel_peak >= self._source.full_scale and len(block) >= _CLIPPED_RUN:
            full = np.abs(block) >= self._source.full_scale
            run = full[:-2] & full[1:-1] & full[2:]
            if self._source.may_exceed_full_scale:
                flat = np.abs(np.diff(block, axis=0)) <= _FLAT
                run &= flat[:-1] & flat[1:]
            inside = np.zeros_like(full)
            for shift in range(_CLIPPED_RUN):
                inside[shift : shift + len(run)] |= run
            self._clipped += int(np.count_nonzero(inside))

    def _check_length(self, frames: int) -> None:
        claimed = self._source.frames
        if not frames:
            raise UserError(f"{self.path}: holds no audio")
        if claimed and frames < _LEAST_SHARE * claimed - self._source.tolerated_frames:
            raise UserError(
                f"{self.path}: damaged, ends after {frames} of {claimed} samples; copy it again"
            )

    def _check_cancellation(self) -> None:
        peak_db, channel_db = (
            20.0 * np.log10(max(peak, 1e-10)) for peak in (self.peak, self.channel_peak)
        )
        if peak_db < SILENT_PEAK_DB and channel_db > peak_db + _LOST_IN_MONO_DB:
            raise UserError(
                f"{self.path}: its {self.channels} channels cancel each other (antiphase): they "
                f"peak at {channel_db:.0f} dBFS, their mean at {peak_db:.0f} dBFS; use one of "
                "them: --channel left"
            )


class _SoundFileSource:
    """A file that libsndfile reads; see `MediaSource` for the attributes."""

    tolerated_frames = 0

    def __init__(self, path: Path) -> None:
        self.path = path
        with _reported(path):
            self._file = soundfile.SoundFile(native_name(path))
        self.file_rate, self.channels = self._file.samplerate, self._file.channels
        frames, kind = self._file.frames, self._file.format
        if kind not in _FORMATS:
            self._file.close()
            raise UserError(f"{path}: is {kind} audio; expected .wav, .flac, .ogg, .mp3 or .aiff")
        if frames < 1:
            self._file.close()
            raise UserError(f"{path}: holds no audio")
        self.frames = frames if frames < 1 << 62 else None
        self.full_scale = _FULL_SCALE.get(self._file.subtype, 0.9999)
        self.may_exceed_full_scale = not self._file.subtype.startswith("PCM")

    def blocks(self, size: int) -> Iterator[np.ndarray]:
        """Decodes the file in blocks of float32 [samples, channels]."""
        with _reported(self.path), self._file:
            while len(block := self._file.read(size, dtype="float32", always_2d=True)):
                yield block

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turns what libsndfile raises about a file into a user's error."""
    try:
        yield
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        reason = str(error).rpartition("': ")[2].rstrip(".")
        raise UserError(
            f"{path}: cannot be read as audio ({reason}); expected an intact recording, such as "
            ".wav, .flac, .ogg, .mp3 or .m4a"
        ) from error
