"""Recordings by phones and browsers, decoded by PyAV: `pip install ddsp-tf[media]`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_tf.errors import UserError

# Containers state their length to within a frame of the codec.
_TOLERATED_SECONDS = 0.25


class MediaSource:
    """The first audio stream of a media file.

    Args:
        path: File.

    Attributes:
        file_rate: Sample rate, in Hz.
        channels: Number of channels.
        frames: Samples per channel that the file claims to contain; None if it states no number.

    Raises:
        UserError: If PyAV is not installed, or the file cannot be read or holds no audio.
    """

    full_scale = 0.9999
    may_exceed_full_scale = True

    def __init__(self, path: Path) -> None:
        try:
            import av
        except ImportError as error:
            raise UserError(
                f"{path}: needs PyAV, which is not installed; pip install ddsp-tf[media]"
            ) from error
        self.path = path
        with _reported(path):
            # PyAV does not accept names that are not UTF-8.
            self._file = open(path, "rb")  # noqa: SIM115
            try:
                self._container: Any = av.open(self._file)
                if not self._container.streams.audio:
                    raise UserError(f"{path}: holds no audio")
                stream = self._container.streams.audio[0]
                self.file_rate, self.channels = int(stream.rate or 0), int(stream.channels)
            except BaseException:
                self._file.close()
                raise
        duration, base = stream.duration, stream.time_base
        self.frames = None
        if duration and base and "mp4" in self._container.format.name:
            self.frames = int(duration * base * self.file_rate)

    @property
    def tolerated_frames(self) -> int:
        """Samples by which the file's claim may be wrong."""
        return round(_TOLERATED_SECONDS * self.file_rate)

    def blocks(self, size: int) -> Iterator[np.ndarray]:
        """Decodes the stream, once.

        Args:
            size: Approximate number of samples per channel in a block.

        Yields:
            Float32 [samples, channels].

        Raises:
            UserError: If the file is damaged.
        """
        import av

        with _reported(self.path), self._file, self._container as container:
            stream = container.streams.audio[0]
            layout = stream.layout.name
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=self.file_rate)
            parts, held = [], 0
            for frame in container.decode(stream):
                for part in resampler.resample(frame):
                    parts.append(part.to_ndarray().T)
                    held += parts[-1].shape[0]
                if held >= size:
                    yield np.concatenate(parts)
                    parts, held = [], 0
            parts += [part.to_ndarray().T for part in resampler.resample(None)]
            if parts:
                yield np.concatenate(parts)

    def close(self) -> None:
        """Closes the file."""
        self._container.close()
        self._file.close()


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turns what PyAV raises about a file into a user's error."""
    import av

    try:
        yield
    except (av.FFmpegError, ValueError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{path}: cannot be read as audio ({reason}); expected an intact recording"
        ) from error
