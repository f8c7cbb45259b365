"""Writes recordings in every container that is read."""

import pytest
import soundfile
from audio_formats import MEDIA, RATE, SOUNDFILE, write_media


@pytest.fixture
def write():
    """Writes a sound in the container of a suffix: `write(path, sound)`."""

    def write(path, sound, options=None):
        if path.suffix in MEDIA:
            write_media(path, MEDIA[path.suffix], sound, options)
        else:
            kind, _, subtype = SOUNDFILE[path.suffix].partition("/")
            soundfile.write(path, sound, RATE, subtype or None, format=kind)

    return write
