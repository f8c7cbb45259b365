"""Recordings in every container that is read."""

import numpy as np
import pytest

# Suffix to what writes it: libsndfile's format, or PyAV's codec.
SOUNDFILE = {
    ".wav": "WAV",
    ".rf64": "RF64",
    ".w64": "W64",
    ".flac": "FLAC",
    ".ogg": "OGG",
    ".opus": "OGG/OPUS",
    ".mp3": "MP3",
    ".aiff": "AIFF",
    ".au": "AU",
    ".caf": "CAF",
    ".voc": "VOC",
    ".svx": "SVX",
    ".nist": "NIST",
}
MEDIA = {
    ".m4a": "aac",
    ".mp4": "aac",
    ".mov": "aac",
    ".3gp": "aac",
    ".aac": "aac",
    ".webm": "libopus",
    ".mka": "flac",
    ".avi": "libmp3lame",
}
RATE = 48000


def tone(seconds=3.0, channels=1):
    """A chirp, which no codec can make small, [samples, channels]."""
    time = np.arange(round(seconds * RATE)) / RATE
    sound = 0.5 * np.sin(2 * np.pi * (300 + 200 * time) * time)
    return np.tile(sound[:, None], channels).astype(np.float32)


def write_media(path, codec, sound, options=None):
    """Writes [samples, channels] with PyAV, for real time if `options` say so."""
    av = pytest.importorskip("av")
    layout = {1: "mono", 2: "stereo"}[sound.shape[1]]
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=RATE, layout=layout)
        form = stream.codec_context.format
        resampler = av.AudioResampler(format=form, layout=layout, rate=RATE)
        for first in range(0, len(sound), 1024):
            values = np.ascontiguousarray(sound[first : first + 1024].T)
            frame = av.AudioFrame.from_ndarray(values, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = RATE, first
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        container.mux(stream.encode(None))
