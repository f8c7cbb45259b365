"""Small recordings, and an extractor that needs no network."""

import zlib

import numpy as np
import pytest
import soundfile

from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.pitch import PitchTracker


class CountingTracker(PitchTracker):
    """Gives frame k a pitch of 100 + k Hz, and confidence wherever there is sound."""

    name = "counting"
    version = "1"

    def track(self, audio, sample_rate, hop):
        """Counts frames instead of listening."""
        frames = audio.size // hop
        loud = np.abs(audio[: frames * hop]).reshape(frames, hop).max(axis=1) > 0.01
        return 100 + np.arange(frames, dtype=np.float32), loud.astype(np.float32)


@pytest.fixture
def extractor():
    """16 kHz, 50 frames a second."""
    return FeatureExtractor(16000, 50, CountingTracker(), refine_f0=False)


@pytest.fixture
def record(tmp_path):
    """Writes a recording of noise below `tmp_path / "audio"`; each number sounds different."""

    def write(name, seconds, number=None, sample_rate=16000, gain=0.5):
        path = tmp_path / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        number = zlib.crc32(name.encode()) if number is None else number
        sound = np.random.default_rng(number).uniform(-gain, gain, round(seconds * sample_rate))
        soundfile.write(path, sound, sample_rate, "FLOAT")
        # The library notes the time in the file, and content decides which files are held out.
        content = bytearray(path.read_bytes())
        time = content.index(b"PEAK") + 12
        content[time : time + 4] = bytes(4)
        path.write_bytes(content)
        return path

    return write
